"""Subscriptions over HTTP: server-sent events and multipart."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from common.auth import Principal, TokenSigner, generate_private_key, load_private_key
from common.clock import SystemClock
from tests.kit.asgi import running
from tests.kit.virtual_time import VIRTUAL_TIME, Backend
from tests.unit.pipeline.setting import router, router_app

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


SSE = {"accept": "text/event-stream"}
MULTIPART = {"accept": "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"}
TICKS = "subscription { ticks(to: 2) }"


async def test_events_come_as_server_sent_events() -> None:
    async with router() as client:
        reply = await client.post(TICKS, headers=SSE)
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.body == (
        b":\n\n"
        b'event: next\ndata: {"data":{"ticks":1}}\n\n'
        b'event: next\ndata: {"data":{"ticks":2}}\n\n'
        b"event: complete\ndata: \n\n"
    )


async def test_events_come_in_parts_which_are_whole_when_they_arrive() -> None:
    async with router() as client:
        reply = await client.post(TICKS, headers=MULTIPART)
    assert reply.headers["content-type"] == 'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0'
    assert reply.parts == [
        b"\r\n--graphql",
        b'\r\ncontent-type: application/json\r\n\r\n{"payload":{"data":{"ticks":1}}}\r\n--graphql',
        b'\r\ncontent-type: application/json\r\n\r\n{"payload":{"data":{"ticks":2}}}\r\n--graphql',
        b"--\r\n",
        b"",
    ]


@pytest.mark.parametrize(("accept", "beat"), [(SSE, b":\n\n"), (MULTIPART, b"\r\n\r\n{}\r\n--graphql")])
async def test_silence_is_filled_with_heartbeats(accept: dict[str, str], beat: bytes) -> None:
    async with router("subscription: {heartbeat_interval: 20ms}") as client:
        reply = await client.post("subscription { ticks(to: 1, pause: 0.2) }", headers=accept)
    assert reply.body.count(beat) >= 3


@pytest.mark.parametrize("accept", [{}, {"accept": "application/json"}, {"accept": "*/*"}])
async def test_a_subscription_is_not_answered_to_a_client_that_reads_no_streams(accept: dict[str, str]) -> None:
    async with router() as client:
        reply = await client.post(TICKS, headers=accept)
    assert (reply.status, reply.codes) == (406, ["INVALID_ACCEPT_HEADER"])


@pytest.mark.parametrize("accept", [SSE, MULTIPART])
async def test_a_subscription_the_caller_may_not_see_is_refused_before_the_stream_begins(
    accept: dict[str, str],
) -> None:
    async with router() as client:
        reply = await client.post("subscription { mine: diary }", headers=accept)
    assert (reply.status, reply.codes) == (403, ["UNAUTHORIZED_FIELD_OR_TYPE"])
    assert reply.json["errors"][0]["path"] == ["mine"]


async def test_subscriptions_can_be_switched_off() -> None:
    async with router("subscription: {enabled: false}") as client:
        reply = await client.post(TICKS, headers=MULTIPART)
    assert (reply.status, reply.codes) == (400, ["SUBSCRIPTION_NOT_SUPPORTED"])


async def test_no_more_are_opened_than_allowed_and_places_come_free_again() -> None:
    async with router("subscription: {max_opened_subscriptions: 1}") as client:
        first = asyncio.create_task(client.post("subscription { ticks(to: 1, pause: 0.2) }", headers=MULTIPART))
        await asyncio.sleep(0.05)
        refused = await client.post(TICKS, headers=MULTIPART)
        await first
        served = await client.post(TICKS, headers=MULTIPART)
    assert (refused.status, refused.codes, served.status) == (503, ["SUBSCRIPTION_MAX_LIMIT"], 200)


async def test_a_client_that_leaves_ends_the_subscription_up_to_the_subgraph() -> None:
    app = router_app()
    async with running(app) as client:
        body = b'{"query":"subscription { forever }"}'
        headers = {"content-type": "application/json", **SSE}
        reply = await client.request("POST", body, headers, hang_up_after=4)
        assert len(reply.parts) <= 6
        assert app._engine is not None
        assert app._engine.open_subscriptions == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # tokens expire by the clock on the wall
async def test_a_stream_ends_when_the_token_of_its_caller_expires() -> None:
    key = load_private_key(generate_private_key())
    signer = TokenSigner(key, issuer="i", audience="a", clock=SystemClock(), lifetime_s=3)
    jwks = orjson.dumps(signer.jwks).decode()
    config = f"""
    authentication: {{router: {{jwt: {{jwks: [{{url: {jwks}}}]}}}}}}
    subscription: {{heartbeat_interval: 100ms}}
    """
    async with router(config) as client:
        token = signer.sign(Principal("usr_1")).token
        headers = {**SSE, "authorization": f"Bearer {token}"}
        asked = client.post("subscription { ticks(to: 2, pause: 3600) }", headers=headers)
        reply = await asked
    assert reply.parts[-3] == (
        b'event: next\ndata: {"data":null,"errors":[{"message":"The token has expired",'
        b'"extensions":{"code":"AUTH_ERROR"}}]}\n\n'
    )


async def test_streams_end_when_the_server_stops() -> None:
    app = router_app()
    async with running(app) as client:
        stream = asyncio.create_task(client.post("subscription { forever }", headers=SSE))
        await asyncio.sleep(0.1)
        app.stop_streams()
        reply = await stream
        assert reply.body.endswith(b"event: complete\ndata: \n\n")
        assert (await client.get("/health", "ready")).status == 503
        assert (await client.get("/health", "live")).status == 200

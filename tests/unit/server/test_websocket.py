"""graphql-transport-ws, message by message."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from common.auth import Principal, TokenSigner, generate_private_key, load_private_key
from common.clock import SystemClock
from tests.kit.asgi import Socket, running
from tests.unit.pipeline.setting import router, router_app

pytestmark = pytest.mark.anyio
ACK = {"type": "connection_ack"}


async def ask(socket: Socket, operation_id: str, query: str, **more: Any) -> None:
    await socket.say(id=operation_id, type="subscribe", payload={"query": query, **more})


async def test_queries_mutations_and_subscriptions_share_a_socket() -> None:
    async with router() as client, client.socket() as socket:
        assert await socket.init() == ACK
        await ask(socket, "q", "query ($n: String) { hello(name: $n) }", variables={"n": "you"})
        assert await socket.hear() == {"id": "q", "type": "next", "payload": {"data": {"hello": "hello you"}}}
        assert await socket.hear() == {"id": "q", "type": "complete"}
        await ask(socket, "m", "mutation { ping }")
        assert await socket.hear() == {"id": "m", "type": "next", "payload": {"data": {"ping": "pong"}}}
        assert await socket.hear() == {"id": "m", "type": "complete"}
        await ask(socket, "s", "subscription { ticks(to: 2) }")
        heard = [await socket.hear() for _ in range(3)]
    assert heard == [
        {"id": "s", "type": "next", "payload": {"data": {"ticks": 1}}},
        {"id": "s", "type": "next", "payload": {"data": {"ticks": 2}}},
        {"id": "s", "type": "complete"},
    ]


async def test_what_is_refused_is_an_error_of_that_operation_alone() -> None:
    async with router() as client, client.socket() as socket:
        await socket.init()
        await ask(socket, "1", "{ nothing }")
        error = await socket.hear()
        await ask(socket, "1", "{ count }")
        assert (await socket.hear())["payload"] == {"data": {"count": 1}}
    assert (error["id"], error["type"]) == ("1", "error")
    assert [e["extensions"]["code"] for e in error["payload"]] == ["GRAPHQL_VALIDATION_FAILED"]


async def test_a_subscription_the_caller_may_not_see_is_an_error_of_that_operation() -> None:
    async with router() as client, client.socket() as socket:
        await socket.init()
        await ask(socket, "1", "subscription { diary }")
        error = await socket.hear()
    assert (error["id"], error["type"]) == ("1", "error")
    assert [(e["extensions"]["code"], e["path"]) for e in error["payload"]] == [
        ("UNAUTHORIZED_FIELD_OR_TYPE", ["diary"])
    ]


async def test_a_client_ends_its_subscription_and_may_use_the_id_again_at_once() -> None:
    async with router() as client, client.socket() as socket:
        await socket.init()
        await ask(socket, "s", "subscription { forever }")
        assert (await socket.hear())["payload"] == {"data": {"forever": 1}}
        await socket.say(id="s", type="complete")
        await ask(socket, "s", "{ count }")
        while (heard := await socket.hear())["payload"] == {"data": {"forever": 1}}:
            pass
        assert heard == {"id": "s", "type": "next", "payload": {"data": {"count": 1}}}
        assert await socket.hear() == {"id": "s", "type": "complete"}


async def test_pings_are_answered() -> None:
    async with router() as client, client.socket() as socket:
        await socket.init()
        await socket.say(type="ping")
        await socket.say(type="pong")
        assert await socket.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type":"connection_init"}', '{"type":"connection_init"}'], 4429),
        (['{"id":"1","type":"subscribe","payload":{"query":"{count}"}}'], 4401),
        (['{"type":"connection_init"}', '{"id":"1","type":"subscribe","payload":"{count}"}'], 4400),
        (['{"type":"connection_init"}', '{"id":"","type":"subscribe","payload":{}}'], 4400),
        (['{"type":"connection_init","payload":[]}'], 4400),
        (['{"type":"start"}'], 4400),
        (["[]"], 4400),
        (["{"], 4400),
        (["[" * 50_000], 4400),
        ([None], 4400),
        (['{"type":"connection_init"}', *['{"type":"pong"}'] * 600], 4429),
        (
            [
                '{"type":"connection_init"}',
                *['{"id":"1","type":"subscribe","payload":{"query":"subscription{forever}"}}'] * 2,
            ],
            4409,
        ),
    ],
)
async def test_breaking_the_protocol_closes_the_socket_with_its_code(messages: list[str | None], code: int) -> None:
    async with router() as client, client.socket() as socket:
        await socket.receive()
        for text in messages:
            binary = {"bytes": b"x"} if text is None else {"text": text}
            await socket.to_app.put({"type": "websocket.receive", **binary})
        while isinstance(heard := await socket.hear(), dict):
            pass
    assert heard[0] == code


async def test_a_client_that_does_not_begin_is_closed() -> None:
    async with router("subscription: {connection_init_timeout: 50ms}") as client, client.socket() as socket:
        await socket.receive()
        assert await socket.hear() == (4408, "Connection initialisation timeout")


async def test_another_subprotocol_is_not_spoken() -> None:
    async with router() as client:
        for subprotocol in (None, "graphql-ws"):
            async with client.socket(subprotocol=subprotocol) as socket:
                assert (await socket.receive())["type"] == "websocket.accept"
                assert (await socket.hear())[0] == 4406


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (None, True),
        ("http://router.example", True),
        ("https://studio.apollographql.com", True),
        ("https://evil.example", False),
        ("null", False),
    ],
)
async def test_a_page_of_another_origin_gets_no_socket(origin: str | None, is_let_in: bool) -> None:
    async with router() as client, client.socket({"origin": origin} if origin else {}) as socket:
        assert ((await socket.receive())["type"] == "websocket.accept") is is_let_in


async def test_a_socket_carries_no_more_operations_than_allowed() -> None:
    async with router("subscription: {max_per_socket: 2}") as client, client.socket() as socket:
        await socket.init()
        for number in range(3):
            await ask(socket, str(number), "subscription { forever }")
        while (heard := await socket.hear())["type"] != "error":
            pass
    assert (heard["id"], heard["payload"][0]["extensions"]["code"]) == ("2", "SUBSCRIPTION_MAX_LIMIT")


def signer_and_config(lifetime_s: int = 900) -> tuple[TokenSigner, str]:
    key = load_private_key(generate_private_key())
    signer = TokenSigner(key, issuer="i", audience="a", clock=SystemClock(), lifetime_s=lifetime_s)
    return signer, f"authentication: {{router: {{jwt: {{jwks: [{{url: {orjson.dumps(signer.jwks).decode()}}}]}}}}}}"


@pytest.mark.parametrize("nested", [False, True])
async def test_the_token_may_come_with_connection_init(nested: bool) -> None:
    signer, config = signer_and_config()
    headers = {"Authorization": f"Bearer {signer.sign(Principal('usr_1')).token}"}
    async with router(config) as client, client.socket() as socket:
        assert await socket.init({"headers": headers} if nested else headers) == ACK
        await ask(socket, "1", "{ user { email } }")
        assert (await socket.hear())["payload"] == {"data": {"user": {"email": "an@example.org"}}}


async def test_a_token_that_is_not_valid_closes_the_socket() -> None:
    _, config = signer_and_config()
    async with router(config) as client, client.socket() as socket:
        assert (await socket.init({"authorization": "Bearer x.y.z"}))[0] == 4403


async def test_the_socket_is_closed_when_its_token_expires() -> None:
    signer, config = signer_and_config(lifetime_s=3)
    async with router(config) as client, client.socket() as socket:
        assert await socket.init({"authorization": f"Bearer {signer.sign(Principal('usr_1')).token}"}) == ACK
        assert await socket.hear() == (4403, "Forbidden: the token has expired")


async def test_the_client_leaving_ends_what_it_subscribed_to() -> None:
    app = router_app()
    async with running(app) as client:
        async with client.socket() as socket:
            await socket.init()
            await ask(socket, "1", "subscription { forever }")
            await socket.hear()
        assert app._engine is not None
        assert app._engine.open_subscriptions == 0


async def test_a_stopping_server_closes_its_sockets_and_takes_no_new_ones() -> None:
    app = router_app()
    async with running(app) as client:
        async with client.socket() as socket:
            await socket.init()
            app.stop_streams()
            assert await socket.hear() == (1012, "Service restart")
        async with client.socket() as late:
            assert (await late.receive())["type"] == "websocket.close"
        await asyncio.sleep(0)

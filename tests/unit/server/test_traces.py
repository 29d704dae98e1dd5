"""The router shows its last traces, to whom it may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from common.auth import TokenSigner, generate_private_key, key_set, load_private_key
from common.auth.principal import Principal
from common.clock import SystemClock
from common.telemetry import Telemetry, TraceRing
from router.config import parse_config
from router.server.app import create_router_app
from tests.kit.asgi import Client, running
from tests.kit.tiny_subgraph import SUPERGRAPH
from tests.kit.traced_subgraph import ADDRESS, SECRET

pytestmark = pytest.mark.anyio
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
OPEN = "telemetry: {traces: {enabled: true, scope: null}}"
PAGE = {"accept": "text/html,*/*;q=0.8"}
WHOLE = f"""
telemetry: {{traces: {{enabled: true, scope: null, subgraphs: {{enabled: true, path: PATH}}}}}}
override_subgraph_url: {{tiny: '{ADDRESS}'}}
signed_context: {{secret: '{SECRET}'}}
"""


@asynccontextmanager
async def traced(config: str) -> AsyncIterator[Client]:
    telemetry = Telemetry("router", ring=TraceRing())
    async with running(create_router_app(parse_config(config, {}), SUPERGRAPH, telemetry=telemetry)) as client:
        await client.post("query Count { count }", headers={"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"})
        yield client


async def test_the_last_traces_are_listed_and_one_is_shown_with_its_spans() -> None:
    async with traced(OPEN) as client:
        listed = (await client.get("/traces")).json["traces"]
        one = (await client.get(f"/traces/{TRACE_ID}")).json
        gone = await client.get("/traces/00000000000000000000000000000001")
    assert [(trace["trace_id"], trace["name"], trace["span_count"], trace["status"]) for trace in listed] == [
        (TRACE_ID, "POST /graphql Count", 2, "ok")
    ]
    outer, inner = one["spans"]
    assert (outer["name"], inner["name"], inner["parent_id"]) == ("POST /graphql", "subgraph tiny", outer["span_id"])
    assert (gone.status, gone.codes) == (404, ["NOT_FOUND"])


async def test_probes_and_the_files_of_pages_do_not_push_out_the_traces_of_requests() -> None:
    async with traced(OPEN) as client:
        for path in ("/health", "/health/ready", "/metrics", "/graphiql/main.js", "/graphiql/chunk-A.js"):
            await client.get(path)
        listed = (await client.get("/traces")).json["traces"]
    assert [trace["name"] for trace in listed] == ["POST /graphql Count"]


async def test_spans_of_a_subgraph_that_keeps_its_own_are_asked_for_and_joined() -> None:
    async with traced(WHOLE.replace("PATH", "/traces")) as client:
        (listed,) = (await client.get("/traces")).json["traces"]
        one = (await client.get(f"/traces/{TRACE_ID}")).json
        again = (await client.get("/traces")).json
    assert (listed["services"], listed["span_count"]) == (["punnet-tiny", "router"], 3)
    outer, inner, its = one["spans"]
    assert [(span["service"], span["name"], span["parent_id"]) for span in (inner, its)] == [
        ("router", "subgraph tiny", outer["span_id"]),
        ("punnet-tiny", "POST /graphql", inner["span_id"]),
    ]
    assert one["missing_subgraphs"] == []
    assert again == {"traces": [listed], "missing_subgraphs": []}, "who looks leaves no trace"


@pytest.mark.parametrize("place", ["/nowhere", "/health/bare"], ids=["an error", "no spans"])
async def test_a_subgraph_that_gives_no_spans_is_named_and_the_rest_is_shown(place: str) -> None:
    async with traced(WHOLE.replace("PATH", place)) as client:
        replies = [await client.get(path) for path in ("/traces", f"/traces/{TRACE_ID}")]
        pages = [await client.get(path, headers=PAGE) for path in ("/traces", f"/traces/{TRACE_ID}")]
    assert [reply.json["missing_subgraphs"] for reply in replies] == [["tiny"]] * 2
    assert len(replies[1].json["spans"]) == 2
    assert ["no answer from tiny" in page.body.decode() for page in pages] == [True, True]


async def test_subgraphs_are_not_asked_unless_the_configuration_says_so() -> None:
    async with traced(WHOLE.replace("enabled: true, path: PATH", "enabled: false")) as client:
        one = (await client.get(f"/traces/{TRACE_ID}")).json
    assert (one["services"], one["missing_subgraphs"]) == (["router"], [])


async def test_a_browser_gets_pages_without_scripts() -> None:
    async with traced(OPEN) as client:
        listed = await client.get("/traces", headers=PAGE)
        one = await client.get(f"/traces/{TRACE_ID}", headers=PAGE)
    assert f'href="/traces/{TRACE_ID}"' in listed.body.decode()
    assert one.body.decode().count('class="bar"') == 2
    assert [page.headers["content-type"] for page in (listed, one)] == ["text/html; charset=utf-8"] * 2
    assert "default-src 'none'" in one.headers["content-security-policy"]


async def test_what_a_client_wrote_stays_text_on_the_page() -> None:
    telemetry = Telemetry("router", ring=TraceRing())
    with telemetry.tracer.start_as_current_span("<script>", attributes={"said": '"><script>'}) as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    async with running(create_router_app(parse_config(OPEN, {}), SUPERGRAPH, telemetry=telemetry)) as client:
        pages = [await client.get(path, headers=PAGE) for path in ("/traces", f"/traces/{trace_id}")]
    assert [b"<script" in page.body for page in pages] == [False, False]


async def test_outside_development_traces_need_a_scope() -> None:
    key = load_private_key(generate_private_key())
    signer = TokenSigner(key, issuer="i", audience="a", clock=SystemClock())
    jwks = key_set(key).replace("'", "")
    config = f"""
telemetry: {{traces: {{enabled: true}}}}
authentication: {{router: {{jwt: {{jwks: [{{url: '{jwks}', issuers: [i], audiences: [a]}}]}}}}}}
"""
    statuses = []
    async with traced(config) as client:
        for scopes in (None, [], ["ops:read"]):
            headers = {}
            if scopes is not None:
                token = signer.sign(Principal("usr_1", frozenset(), frozenset(scopes))).token
                headers = {"authorization": f"Bearer {token}"}
            statuses.append((await client.get("/traces", headers=headers)).status)
    assert statuses == [401, 403, 200]


async def test_traces_are_off_unless_switched_on() -> None:
    async with traced("") as client:
        assert (await client.get("/traces")).status == 404

"""One trace through router and subgraph, and what stands around calls of subgraphs."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from common.resilience.breaker import CircuitBreaker
from common.telemetry import Metrics, Telemetry, TraceRing
from router.config import parse_config
from router.pipeline.subgraph_layers import BreakerLayer
from router.server.app import create_router_app
from router.transport.errors import CircuitOpenError, ConnectFailedError
from router.transport.model import SubgraphRequest, SubgraphResponse
from tests.kit.asgi import running
from tests.kit.clock import FrozenClock
from tests.kit.fake_subgraph import Answer, FakeSubgraph
from tests.kit.tiny_subgraph import SUPERGRAPH

pytestmark = pytest.mark.anyio
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
QUERY = '{ parent: header(name: "traceparent") id: header(name: "x-request-id") }'


async def test_a_trace_goes_on_into_the_subgraph_with_a_span_for_the_call() -> None:
    ring = TraceRing()
    app = create_router_app(parse_config("", {}), SUPERGRAPH, telemetry=Telemetry("router", ring=ring))
    async with running(app) as client:
        headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01", "x-request-id": "req-1"}
        reply = await client.post(QUERY, headers=headers)
    seen = reply.json["data"]["parent"].split("-")
    spans = {span.name: span for span in ring.trace(TRACE_ID)}
    assert set(spans) == {"POST /graphql", "subgraph tiny"}
    assert seen[:3] == ["00", TRACE_ID, spans["subgraph tiny"].span_id]
    assert spans["subgraph tiny"].parent_id == spans["POST /graphql"].span_id
    assert reply.json["data"]["id"] == reply.headers["x-request-id"] == "req-1"


async def test_a_route_of_rest_is_named_by_its_template_and_anything_else_by_no_name(tmp_path: Path) -> None:
    (tmp_path / "hello.graphql").write_text(
        'query Hello($name: String!) @rest(method: GET, path: "/hello/{name}", result: "hello") { hello(name: $name) }'
    )
    ring, metrics = TraceRing(), Metrics(CollectorRegistry())
    telemetry = Telemetry("router", ring=ring)
    config = parse_config(f"rest: {{documents: {tmp_path}}}", {})
    app = create_router_app(config, SUPERGRAPH, telemetry=telemetry, metrics=metrics)
    async with running(app) as client:
        statuses = [(await client.get(path)).status for path in ("/api/hello/Jo", "/api/hullo/Jo", "/api/docs/x")]
    assert statuses == [200, 404, 404]
    assert {spans[0].name for spans in ring.traces()} == {"GET /api/hello/{name}", "GET other", "GET /api/docs"}
    assert b'route="/api/hello/{name}",service="router",status="200"' in generate_latest(metrics.registry)


async def test_junk_in_the_trace_header_is_ignored() -> None:
    app = create_router_app(parse_config("", {}), SUPERGRAPH, telemetry=Telemetry("router"))
    async with running(app) as client:
        reply = await client.post(QUERY, headers={"traceparent": "x" * 500, "x-request-id": "a\tb"})
    assert reply.status == 200
    assert reply.json["data"]["id"].startswith("req_")


REQUEST = SubgraphRequest("tiny", b"{}")


@pytest.mark.parametrize("failure", [lambda _: ConnectFailedError("no"), lambda _: SubgraphResponse(503, b"")])
async def test_a_subgraph_that_fails_again_and_again_is_left_alone_for_a_while(failure: Answer) -> None:
    clock, healthy = FrozenClock(), False
    fake = FakeSubgraph(lambda body: {"data": {}} if healthy else failure(body))
    layer = BreakerLayer(fake, CircuitBreaker("tiny", fail_max=2, reset_timeout_s=10, clock=clock))

    async def outcome() -> object:
        try:
            return (await layer.send(REQUEST)).status
        except (ConnectFailedError, CircuitOpenError) as exc:
            return type(exc)

    expected = await outcome()
    assert expected in (503, ConnectFailedError)
    assert [await outcome() for _ in range(3)] == [expected, CircuitOpenError, CircuitOpenError]
    assert len(fake.asked) == 2
    healthy = True
    clock.advance(11)
    assert [await outcome(), await outcome()] == [200, 200]


async def test_graphql_errors_and_statuses_of_the_client_do_not_open_the_circuit() -> None:
    fake = FakeSubgraph(lambda body: SubgraphResponse(422, b'{"errors":[]}'))
    layer = BreakerLayer(fake, CircuitBreaker("tiny", fail_max=1))
    assert [(await layer.send(REQUEST)).status for _ in range(3)] == [422] * 3

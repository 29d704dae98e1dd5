"""Traces: one through several services, kept for a page, sent to a collector, never waited for."""

import asyncio
import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from common.telemetry import Telemetry, TraceRing, inject_headers, mark_failed, record_sql_span, use_ring
from common.telemetry.sql import statement_summary, statement_text

pytestmark = pytest.mark.anyio


class _Collector(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.requests: list[ExportTraceServiceRequest] = []


class _Receiver(BaseHTTPRequestHandler):
    server: _Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named so by the library
        pass


@pytest.fixture
def collector() -> Iterator[_Collector]:
    server = _Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_spans_reach_the_collector_under_their_service_s_name_and_without_secrets(collector: _Collector) -> None:
    telemetry = Telemetry("orders", otlp_endpoint=f"http://127.0.0.1:{collector.server_port}")
    with telemetry.tracer.start_as_current_span("pay for ada@example.org") as span:
        span.set_attribute("note", "card 4242424242424242")
        mark_failed(span, ValueError("4242 4242 4242 4242 was declined"))
    await telemetry.shutdown()
    (request,) = collector.requests
    (resource,) = request.resource_spans
    attributes = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    (sent,) = resource.scope_spans[0].spans
    assert (attributes["service.name"], sent.name) == ("orders", "pay for [e-mail]")
    assert [(attribute.key, attribute.value.string_value) for attribute in sent.attributes] == [("note", "card [card]")]
    assert "4242" not in str(sent.events)
    assert "ValueError" in str(sent.events)


async def test_a_collector_that_is_away_does_not_hold_up_the_end() -> None:
    telemetry = Telemetry("orders", otlp_endpoint="http://127.0.0.1:9")
    with telemetry.tracer.start_as_current_span("x"):
        pass
    started_at = time.monotonic()
    await telemetry.shutdown()
    assert time.monotonic() - started_at < 60


async def test_a_ring_holds_the_spans_of_all_services_of_the_process() -> None:
    ring = TraceRing()
    with use_ring(ring):
        router, orders = Telemetry("router"), Telemetry("orders")
    outside = Telemetry("elsewhere")
    with (
        router.tracer.start_as_current_span("query") as root,
        orders.tracer.start_as_current_span("fetch", attributes={"note": "ada@example.org"}),
        outside.tracer.start_as_current_span("unseen"),
    ):
        pass
    ((query, fetch),) = ring.traces()
    assert [(span.service, span.name) for span in (query, fetch)] == [("router", "query"), ("orders", "fetch")]
    assert fetch.parent_id == query.span_id
    assert fetch.attributes == {"note": "[e-mail]"}
    assert ring.trace(f"{root.get_span_context().trace_id:032x}") == [query, fetch]
    assert ring.trace("junk") == ring.trace("0" * 32) == []


async def test_the_ring_is_bounded() -> None:
    ring = TraceRing(max_traces=3, max_spans_per_trace=2)
    telemetry = Telemetry("router", ring=ring)
    for number in range(5):
        with telemetry.tracer.start_as_current_span(f"root {number}"):
            for _ in range(4):
                telemetry.tracer.start_span("child").end()
    traces = ring.traces()
    assert [len(trace) for trace in traces] == [2, 2, 2]
    assert len(ring.traces(limit=2)) == 2


async def test_without_a_place_to_put_spans_there_are_ids_and_nothing_is_recorded() -> None:
    telemetry = Telemetry("orders")
    with telemetry.tracer.start_as_current_span("x") as span:
        headers: dict[str, str] = {}
        inject_headers(headers)
        assert not span.is_recording()
    version, trace_id, _, _ = headers["traceparent"].split("-")
    assert (version, trace_id) == ("00", f"{span.get_span_context().trace_id:032x}")


async def test_half_of_the_traces_are_recorded_whole_or_not_at_all() -> None:
    ring = TraceRing(max_traces=1000)
    telemetry = Telemetry("orders", sample_ratio=0.5, ring=ring)
    for _ in range(400):
        with telemetry.tracer.start_as_current_span("root"):
            telemetry.tracer.start_span("child").end()
    traces = ring.traces(limit=1000)
    assert 120 < len(traces) < 280
    assert {len(trace) for trace in traces} == {2}
    assert telemetry.provider.sampler is not ALWAYS_ON


async def test_a_statement_that_has_run_is_a_span_of_the_trace_it_ran_in() -> None:
    ring = TraceRing()
    telemetry = Telemetry("orders", ring=ring)
    record_sql_span(telemetry.tracer, "SELECT 1", elapsed_s=0.1)
    with telemetry.tracer.start_as_current_span("root"):
        record_sql_span(telemetry.tracer, "select *\n  from orders where id = $1", elapsed_s=0.25, has_failed=True)
        await asyncio.sleep(0)
    ((statement, root),) = ring.traces()
    assert (statement.name, statement.parent_id, statement.has_failed) == ("SELECT orders", root.span_id, True)
    assert statement.attributes["db.query.text"] == "select * from orders where id = $1"
    assert 0.2 < (statement.ended_at_ns - statement.started_at_ns) / 1e9 < 0.3


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("SELECT * FROM t WHERE a = $1 AND b = $12", "SELECT * FROM t WHERE a = $1 AND b = $12"),
        ("SELECT 'O''Brien', 42, 1.5, x1 FROM t2", "SELECT ?, ?, ?, x1 FROM t2"),
        ("DO $body$ BEGIN 'secret' $body$", "DO ?"),
        ("x" * 5000, "x" * 2000),
    ],
)
def test_values_do_not_get_into_spans(statement: str, text: str) -> None:
    assert statement_text(statement) == text


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("SELECT 1", "SELECT"),
        ("select a.id from orders a join lines b on true for update skip locked", "SELECT orders"),
        ("WITH due AS (SELECT id FROM saga FOR UPDATE) UPDATE saga SET a = $1", "UPDATE saga"),
        ("WITH a AS (INSERT INTO a VALUES ($1) ON CONFLICT DO UPDATE SET x = $2) DELETE FROM b", "INSERT a DELETE b"),
        ("WITH found AS MATERIALIZED (SELECT * FROM product) SELECT * FROM found", "SELECT product"),
        ('SELECT "id" FROM "user" WHERE "id" = $1', "SELECT user"),
        ("BEGIN", "BEGIN"),
        ("", "SQL"),
    ],
)
def test_statements_are_named_after_what_they_do_to_which_tables(text: str, summary: str) -> None:
    assert statement_summary(text) == summary

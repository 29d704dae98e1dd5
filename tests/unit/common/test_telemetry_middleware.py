"""Around an ASGI application: span, request id, metrics."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.telemetry import Metrics, Telemetry, TelemetryMiddleware, TraceRing, inject_headers, metrics_endpoint
from common.telemetry.logs import add_request

pytestmark = pytest.mark.anyio
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class _Service:
    def __init__(self, app: ASGIApp) -> None:
        self.registry = CollectorRegistry()
        self.ring = TraceRing()
        telemetry = Telemetry("orders", ring=self.ring)
        self.app = TelemetryMiddleware(app, telemetry, Metrics(self.registry))

    async def get(self, path: str = "/graphql", method: str = "GET", **headers: str) -> dict[str, str]:
        """The response's headers."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self.app({"type": "http", "method": method, "path": path, "headers": pairs}, _nothing, send)
        return {name.decode(): value.decode() for name, value in sent[0]["headers"]}

    def value(self, metric: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(metric, {"service": "orders", **labels})


async def _nothing() -> Message:
    return {"type": "http.request", "body": b""}


def _answering(status: int = 200, seen: list[dict[str, Any]] | None = None) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[str, str] = {}
        inject_headers(headers)
        if seen is not None:
            seen.append({**add_request(None, "", {}), **headers})
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"ok"})

    return answer


async def test_the_caller_s_trace_goes_on_in_one_server_span() -> None:
    service = _Service(_answering())
    await service.get(traceparent=PARENT)
    ((span,),) = service.ring.traces()
    assert (span.trace_id, span.parent_id) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert (span.name, span.kind, span.has_failed) == ("GET /graphql", "SERVER", False)
    assert span.attributes["http.response.status_code"] == 200


@pytest.mark.parametrize("junk", ["", "junk", "00-0-0-0", "ff-" + PARENT[3:], PARENT + "-extra" * 2000])
async def test_a_junk_trace_header_begins_a_trace_of_our_own(junk: str) -> None:
    service = _Service(_answering())
    await service.get(traceparent=junk)
    ((span,),) = service.ring.traces()
    assert span.parent_id is None


async def test_a_request_has_one_id_in_headers_logs_and_calls_to_others() -> None:
    seen: list[dict[str, Any]] = []
    service = _Service(_answering(seen=seen))
    assert (await service.get(x_request_id="abc-123"))["x-request-id"] == "abc-123"
    made = (await service.get())["x-request-id"]
    assert made.startswith("req_")
    assert [(values["request_id"], values["x-request-id"], values["service"]) for values in seen] == [
        ("abc-123", "abc-123", "orders"),
        (made, made, "orders"),
    ]
    assert add_request(None, "", {}) == {}


@pytest.mark.parametrize(
    "hostile", ["a\r\nx-admin: yes", "a b", "a" * 129, "ä", "", "4111-1111-1111-1111", "4111111111111111"]
)
async def test_a_hostile_request_id_is_replaced(hostile: str) -> None:
    headers = await _Service(_answering()).get(x_request_id=hostile)
    assert headers["x-request-id"].startswith("req_")
    assert headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "headers",
    [{}, {"traceparent": PARENT}, {"traceparent": PARENT[:-1] + "2", "tracestate": "a=1,b=2"}, {"traceparent": "junk"}],
)
async def test_without_a_place_for_spans_others_get_the_same_ids_as_with_one_that_keeps_none(
    headers: dict[str, str],
) -> None:
    calls: list[dict[str, Any]] = []
    for telemetry in (Telemetry("orders"), Telemetry("orders", ring=TraceRing(), sample_ratio=0.0)):
        app = TelemetryMiddleware(_answering(seen=calls), telemetry, Metrics(CollectorRegistry()))
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        pairs.append((b"x-request-id", b"one"))
        await app({"type": "http", "method": "GET", "path": "/", "headers": pairs}, _nothing, _drop)
    without, sampled_out = calls
    parents = [call.pop("traceparent").split("-") for call in calls]
    assert without == sampled_out
    assert len({span_id for _, _, span_id, _ in parents}) == 2
    if headers.get("traceparent", "junk") == "junk":
        assert all(len(trace_id) == 32 for _, trace_id, _, _ in parents)
    else:
        assert [trace_id for _, trace_id, _, _ in parents] == [PARENT.split("-")[1]] * 2


async def test_durations_are_counted_under_names_of_ours() -> None:
    service = _Service(_answering(404))
    for path, method in (("/graphql", "GET"), ("/wp-admin.php", "GET"), ("/etc/passwd", "BREW")):
        await service.get(path, method)
    counts = {
        (method, route): service.value(
            "http_server_request_duration_seconds_count", method=method, route=route, status="404"
        )
        for method, route in (("GET", "/graphql"), ("GET", "other"), ("OTHER", "other"))
    }
    assert set(counts.values()) == {1}
    assert service.value("http_server_active_requests", kind="http") == 0


async def test_a_crash_is_a_failed_span_and_a_500() -> None:
    async def crash(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("boom")

    service = _Service(crash)
    with pytest.raises(RuntimeError, match="boom"):
        await service.get()
    ((span,),) = service.ring.traces()
    assert (span.has_failed, span.attributes["http.response.status_code"]) == (True, 500)
    assert (
        service.value("http_server_request_duration_seconds_count", method="GET", route="/graphql", status="500") == 1
    )
    assert service.value("http_server_active_requests", kind="http") == 0


async def test_a_socket_is_counted_and_its_work_belongs_to_the_caller_s_trace() -> None:
    ring = TraceRing()
    registry = CollectorRegistry()
    telemetry = Telemetry("orders", ring=ring)

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        assert registry.get_sample_value("http_server_active_requests", {"service": "orders", "kind": "websocket"}) == 1
        with telemetry.tracer.start_as_current_span("operation"):
            pass

    app = TelemetryMiddleware(converse, telemetry, Metrics(registry))
    await app(
        {"type": "websocket", "path": "/graphql", "headers": [(b"traceparent", PARENT.encode())]}, _nothing, _drop
    )
    ((span,),) = ring.traces()
    assert (span.name, span.parent_id) == ("operation", "00f067aa0ba902b7")


async def test_metrics_are_text_with_exemplars_for_those_who_understand_them() -> None:
    service = _Service(_answering())
    await service.get(traceparent=PARENT)
    endpoint = metrics_endpoint(service.registry)
    plain = await _body(endpoint, b"*/*")
    assert b'http_server_request_duration_seconds_count{method="GET",route="/graphql"' in plain
    assert b"trace_id" not in plain
    openmetrics = await _body(endpoint, b"application/openmetrics-text; version=1.0.0")
    assert b'# {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"}' in openmetrics
    assert openmetrics.endswith(b"# EOF\n")


def test_a_metric_asked_for_twice_is_the_same_and_a_different_one_is_refused() -> None:
    metrics = Metrics(CollectorRegistry())
    assert metrics.counter("a_total", "A.", ("x",)) is metrics.counter("a_total", "A.", ("x",))
    assert metrics.histogram("b", "B.") is metrics.histogram("b", "B.")
    with pytest.raises(ValueError, match="a_total"):
        metrics.counter("a_total", "A.", ("y",))
    with pytest.raises(ValueError, match="b"):
        metrics.gauge("b", "B.")


async def _drop(message: Message) -> None:
    pass


async def _body(endpoint: ASGIApp, accept: bytes) -> bytes:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await endpoint({"type": "http", "method": "GET", "path": "/", "headers": [(b"accept", accept)]}, _nothing, send)
    body: bytes = sent[1]["body"]
    return body


async def test_requests_beyond_the_rate_of_the_ring_have_ids_and_leave_no_span_at_any_depth() -> None:
    ring = TraceRing(max_per_second=1)
    telemetry = Telemetry("orders", ring=ring)
    calls: list[dict[str, Any]] = []
    answer = _answering(seen=calls)

    async def answer_with_work(scope: Scope, receive: Receive, send: Send) -> None:
        with telemetry.tracer.start_as_current_span("work"):
            await answer(scope, receive, send)

    inner = TelemetryMiddleware(answer_with_work, telemetry, Metrics(CollectorRegistry()))

    async def call_in_process(scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[str, str] = {}
        inject_headers(headers)
        calls.append(headers)
        await inner({**scope, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}, receive, send)

    app = TelemetryMiddleware(call_in_process, telemetry, Metrics(CollectorRegistry()))
    for _ in range(3):
        await app({"type": "http", "method": "GET", "path": "/", "headers": []}, _nothing, _drop)
    (trace,) = ring.traces()
    assert [span.name for span in trace] == ["GET /", "GET /", "work"]
    ids = [(call["traceparent"].split("-")[1], call["traceparent"][-1] in "13579bdf") for call in calls]
    assert ids[0::2] == ids[1::2]  # who is called is in the trace of who calls
    assert [is_sampled for _, is_sampled in ids[0::2]] == [True, False, False]
    assert len({trace_id for trace_id, _ in ids}) == 3


def test_a_tally_is_a_counter_that_is_looked_at_late() -> None:
    registry = CollectorRegistry()
    tally = Metrics(registry).tally("looks", "Looks.", "kind", ("near", "far"))
    tally.counts["near"] += 2
    assert Metrics(registry).tally("looks", "Looks.", "kind", ("near", "far")) is tally
    assert registry.get_sample_value("looks_total", {"kind": "near"}) == 2
    assert registry.get_sample_value("looks_total", {"kind": "far"}) == 0
    with pytest.raises(ValueError, match="looks"):
        Metrics(registry).counter("looks", "Looks.", ("kind",))

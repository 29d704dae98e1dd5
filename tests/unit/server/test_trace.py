"""Spans of several processes become one waterfall, whatever order they come in."""

from __future__ import annotations

from common.telemetry import SpanRecord
from router.server.trace import join_spans


def span(trace: str, name: str, parent: str | None, began: int, ended: int, service: str = "router") -> SpanRecord:
    return SpanRecord(trace, name, parent, service, name, "INTERNAL", began, ended, False, {})


def test_each_span_is_followed_by_those_below_it() -> None:
    spans = [
        span("one", "late child", "root", 60, 70, "orders"),
        span("one", "grandchild", "early child", 20, 30, "products"),
        span("one", "early child", "root", 10, 50, "orders"),
        span("one", "root", "the client's", 0, 100),
        span("one", "an event's", "evicted", 200, 210, "notifications"),
        span("two", "root", None, 300, 301),
    ]
    newer, trace = join_spans([*spans, *spans])
    assert newer.trace_id == "two"
    assert [(span.name, depth) for span, depth in zip(trace.spans, trace.depths, strict=True)] == [
        ("root", 0),
        ("early child", 1),
        ("grandchild", 2),
        ("late child", 1),
        ("an event's", 0),
    ]
    assert (trace.began_at_ns, trace.duration_ns) == (0, 210)
    assert trace.services == ["notifications", "orders", "products", "router"]


def test_a_clock_that_is_behind_does_not_hide_that_a_child_is_below_its_parent() -> None:
    (trace,) = join_spans([span("one", "root", None, 10, 20), span("one", "child", "root", 5, 15, "orders")])
    assert trace.depths == (0, 1)
    assert trace.began_at_ns == 5

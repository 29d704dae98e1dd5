"""The last traces, kept in memory for the page `/traces`: bounded in number of traces and of spans per trace.

Router and subgraphs of one process share a ring, so that a request can be followed through all of them: whoever
starts them does so inside `use_ring(ring)`, and every `Telemetry` made there writes to it.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from common.telemetry.spans import SpanRecord, read_span

_current_ring: ContextVar["TraceRing | None"] = ContextVar("punnet_trace_ring", default=None)


class TraceRing(SpanProcessor):
    """Finished spans by trace, the traces in the order of their first finished span."""

    def __init__(
        self,
        *,
        max_traces: int = 200,
        max_spans_per_trace: int = 500,
        max_per_second: float | None = None,
        workers: Path | None = None,
    ) -> None:
        self.max_per_second = max_per_second
        #: the folder where other processes of the same service tell theirs (`common/telemetry/workers.py`)
        self.workers = workers
        self._max_traces = max_traces
        self._max_spans_per_trace = max_spans_per_trace
        self._spans_by_trace: OrderedDict[int, list[ReadableSpan]] = OrderedDict()
        # spans may end in threads
        self._lock = threading.Lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            spans = self._spans_by_trace.setdefault(span.context.trace_id, [])
            if len(spans) < self._max_spans_per_trace:
                spans.append(span)
            if len(self._spans_by_trace) > self._max_traces:
                self._spans_by_trace.popitem(last=False)

    def shutdown(self) -> None:
        """Nothing: the ring may outlive one of the providers that write to it."""

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        return True

    def traces(self, limit: int = 50) -> list[list[SpanRecord]]:
        """The newest first; the spans of each by their start. Sensitive values are replaced."""
        with self._lock:
            newest = [list(spans) for spans in list(self._spans_by_trace.values())[: -limit - 1 : -1]]
        return [_records(spans) for spans in newest]

    def trace(self, trace_id: str) -> list[SpanRecord]:
        """One trace by its hexadecimal id; empty if it is not (or no longer) here."""
        try:
            number = int(trace_id, 16)
        except ValueError:
            return []
        with self._lock:
            spans = list(self._spans_by_trace.get(number, ()))
        return _records(spans)


@contextmanager
def use_ring(ring: TraceRing) -> Iterator[None]:
    """Every `Telemetry` made inside writes to this ring."""
    token = _current_ring.set(ring)
    try:
        yield
    finally:
        _current_ring.reset(token)


def current_ring() -> TraceRing | None:
    return _current_ring.get()


def _records(spans: list[ReadableSpan]) -> list[SpanRecord]:
    return sorted(map(read_span, spans), key=lambda record: record.started_at_ns)

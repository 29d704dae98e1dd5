"""Spans, from whichever process, joined into traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from common.telemetry import SpanRecord


@dataclass(frozen=True, slots=True)
class Trace:
    """What one request set off, as far as the spans are known."""

    spans: tuple[SpanRecord, ...]  #: at least one; each is followed by those below it, in the order of their start
    depths: tuple[int, ...]  #: steps up to a span whose parent is not here, span by span

    @property
    def trace_id(self) -> str:
        return self.spans[0].trace_id

    @property
    def began_at_ns(self) -> int:
        return min(span.started_at_ns for span in self.spans)

    @property
    def duration_ns(self) -> int:
        return max(span.ended_at_ns for span in self.spans) - self.began_at_ns

    @property
    def title(self) -> str:
        """What was asked: the operation where the router knew it, else the first span."""
        names = (span.attributes.get("graphql.operation.name") for span in self.spans)
        operation = next((str(name) for name in names if name), None)
        return f"{self.spans[0].name} {operation}" if operation else self.spans[0].name

    @property
    def services(self) -> list[str]:
        return sorted({span.service for span in self.spans})

    @property
    def has_failed(self) -> bool:
        return any(span.has_failed for span in self.spans)


def join_spans(spans: Iterable[SpanRecord]) -> list[Trace]:
    """The newest first. A span that comes twice counts once: processes may share what they keep."""
    by_trace: dict[str, dict[str, SpanRecord]] = defaultdict(dict)
    for span in spans:
        by_trace[span.trace_id][span.span_id] = span
    return sorted(map(_trace, by_trace.values()), key=lambda trace: trace.began_at_ns, reverse=True)


def _trace(spans: dict[str, SpanRecord]) -> Trace:
    below: dict[str | None, list[SpanRecord]] = defaultdict(list)
    for span in sorted(spans.values(), key=lambda span: span.started_at_ns):
        below[span.parent_id if span.parent_id in spans else None].append(span)

    def walk() -> Iterator[tuple[SpanRecord, int]]:
        todo = [(span, 0) for span in reversed(below[None])]
        while todo:
            span, depth = todo.pop()
            yield span, depth
            todo += [(child, depth + 1) for child in reversed(below[span.span_id])]

    ordered, depths = zip(*walk(), strict=True)
    return Trace(ordered, depths)

"""A finished span as a record, and records as JSON: what a process tells of its last traces to another one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from common.telemetry.redaction import redact

_Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """Times in nanoseconds since the epoch, ids hexadecimal."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    started_at_ns: _Nanoseconds
    ended_at_ns: _Nanoseconds
    has_failed: bool
    attributes: Mapping[str, Any]


def read_span(span: ReadableSpan) -> SpanRecord:
    """Sensitive values are replaced."""
    context = span.get_span_context()
    return SpanRecord(
        trace_id=f"{context.trace_id:032x}" if context else "",
        span_id=f"{context.span_id:016x}" if context else "",
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
        service=str(span.resource.attributes.get("service.name", "")),
        name=span.name,
        kind=span.kind.name,
        started_at_ns=span.start_time or 0,
        ended_at_ns=span.end_time or 0,
        has_failed=span.status.status_code is StatusCode.ERROR,
        attributes=redact(dict(span.attributes or {})),
    )


def dump_spans(spans: Iterable[SpanRecord]) -> bytes:
    return msgspec.json.encode(list(spans))


def load_spans(text: bytes) -> list[SpanRecord]:
    """Raises ValueError for what `dump_spans` did not write."""
    return msgspec.json.decode(text, type=list[SpanRecord])

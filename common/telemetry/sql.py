"""A span for a statement that has run: its text with placeholders, never values."""

import re
import time

from opentelemetry.trace import SpanKind, StatusCode, Tracer, get_current_span

_MAX_LENGTH = 2000
#: literals, should a statement hold any: strings (also dollar-quoted) and numbers that are no placeholder
_LITERAL = re.compile(r"'(?:[^']|'')*'|\$([A-Za-z_]*)\$.*?\$\1\$|(?<![\w$.])\d+(?:\.\d+)?\b", re.DOTALL)
_SPACE = re.compile(r"\s+")


def record_sql_span(tracer: Tracer, statement: str, *, elapsed_s: float, has_failed: bool = False) -> None:
    """A child of the current span, ended just now. Nothing outside a recorded trace: polling leaves no spans."""
    if not get_current_span().is_recording():
        return
    ended_at_ns = time.time_ns()
    text = statement_text(statement)
    operation = text.partition(" ")[0].upper()
    span = tracer.start_span(
        operation or "SQL",
        kind=SpanKind.CLIENT,
        attributes={"db.system.name": "postgresql", "db.operation.name": operation, "db.query.text": text},
        start_time=ended_at_ns - int(elapsed_s * 1e9),
    )
    if has_failed:
        span.set_status(StatusCode.ERROR)
    span.end(ended_at_ns)


def statement_text(statement: str) -> str:
    """On one line, literals replaced by `?`, cut after 2,000 characters."""
    return _SPACE.sub(" ", _LITERAL.sub("?", statement)).strip()[:_MAX_LENGTH]

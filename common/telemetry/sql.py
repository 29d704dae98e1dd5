"""A span for a statement that has run: its text with placeholders, never values, named after what it does to which
tables (OpenTelemetry's semantic conventions for databases, `db.query.summary`).
"""

import re
import time
from functools import lru_cache

from opentelemetry.trace import SpanKind, StatusCode, Tracer, get_current_span

_MAX_LENGTH = 2000
#: literals, should a statement hold any: strings (also dollar-quoted) and numbers that are no placeholder
_LITERAL = re.compile(r"'(?:[^']|'')*'|\$([A-Za-z_]*)\$.*?\$\1\$|(?<![\w$.])\d+(?:\.\d+)?\b", re.DOTALL)
_SPACE = re.compile(r"\s+")
#: but not `FOR UPDATE` and `DO UPDATE SET`
_WRITE = re.compile(r'(?<!FOR )\b(INSERT INTO|UPDATE|DELETE FROM) (?!SET\b)"?(\w+)', re.IGNORECASE)
_READ = re.compile(r'\bFROM "?(\w+)', re.IGNORECASE)
_SUMMARISED = 3  #: writes of one statement


def record_sql_span(tracer: Tracer, statement: str, *, elapsed_s: float, has_failed: bool = False) -> None:
    """A child of the current span, ended just now. Nothing outside a recorded trace: polling leaves no spans."""
    if not get_current_span().is_recording():
        return
    ended_at_ns = time.time_ns()
    text = statement_text(statement)
    summary = statement_summary(text)
    span = tracer.start_span(
        summary,
        kind=SpanKind.CLIENT,
        attributes={"db.system.name": "postgresql", "db.query.summary": summary, "db.query.text": text},
        start_time=ended_at_ns - int(elapsed_s * 1e9),
    )
    if has_failed:
        span.set_status(StatusCode.ERROR)
    span.end(ended_at_ns)


def statement_text(statement: str) -> str:
    """On one line, literals replaced by `?`, cut after 2,000 characters."""
    return _SPACE.sub(" ", _LITERAL.sub("?", statement)).strip()[:_MAX_LENGTH]


@lru_cache(maxsize=1024)
def statement_summary(text: str) -> str:
    """What a statement on one line writes, `INSERT payment INSERT provider_task`; else what it reads, `SELECT orders`;
    else its first word."""
    writes = dict.fromkeys(f"{verb.split()[0].upper()} {table}" for verb, table in _WRITE.findall(text))
    if writes:
        return " ".join(list(writes)[:_SUMMARISED])
    operation = text.partition(" ")[0].upper() or "SQL"
    read = _READ.search(text) if operation in {"SELECT", "WITH"} else None
    return f"SELECT {read[1]}" if read else operation

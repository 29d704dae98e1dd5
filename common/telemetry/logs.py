"""Logs: one JSON object per line, with the ids of the current trace and request, and nothing sensitive in it.

structlog's loggers and those of the standard library (servers, drivers) come out alike. Line breaks and control
characters in values are escaped by JSON, so that nobody can forge a line.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, BinaryIO

import orjson
import structlog

from common.telemetry.redaction import redact, redact_text
from common.telemetry.tracing import current_request, current_traceparent

EventDict = MutableMapping[str, Any]
#: Unicode's own line breaks, which JSON may leave unescaped but some readers split at
_LINE_BREAKS = {
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
    "\u0085".encode(): b"\\u0085",
}
#: chatty, and said better by our own spans and metrics
_QUIET_LOGGERS = (
    "uvicorn.access",
    "uvicorn.error",  # three lines for every WebSocket; failures are warnings and more
    "websockets.server",
    "aiohttp.access",
    "urllib3",
    "asyncio",
    "tortoise",
    "httpx",
    "strawberry.execution",
)


def configure_logging(level: str = "info", *, service: str, stream: BinaryIO | None = None) -> None:
    """For the whole process, once at its start; `stream` is standard output if not given.

    `service` is what lines carry that are not written while a request of a certain service is handled.
    """
    minimum = logging.getLevelNamesMapping()[level.upper()]
    target = stream or sys.stdout.buffer

    def add_service(_: Any, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        add_trace_ids,
        structlog.processors.format_exc_info,
        redact_event,
        render_line,
    ]
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=structlog.BytesLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_StructlogHandler()]
    root.setLevel(minimum)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(minimum, logging.WARNING))


def add_request(_: Any, __: str, event: EventDict) -> EventDict:
    request = current_request()
    if request is not None:
        event.setdefault("service", request.service)
        event.setdefault("request_id", request.request_id)
    return event


def add_trace_ids(_: Any, __: str, event: EventDict) -> EventDict:
    traceparent = current_traceparent()
    if traceparent is not None:
        _, event["trace_id"], event["span_id"], _ = traceparent.split("-")
    return event


def redact_event(_: Any, __: str, event: EventDict) -> EventDict:
    return redact(event)  # type: ignore[no-any-return]  # a mapping comes back as a dict


def render_line(_: Any, __: str, event: EventDict) -> bytes:
    try:
        line = orjson.dumps(event, default=_describe, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)
    except (TypeError, ValueError):
        # lone surrogates, integers over 64 bit, circles: still a line, as text
        text = ascii(event)
        line = orjson.dumps({"event": redact_text(text), "level": event.get("level", "error"), "unserialisable": True})
    for raw, escaped in _LINE_BREAKS.items():
        if raw in line:
            line = line.replace(raw, escaped)
    return line


def _describe(value: Any) -> str:
    return redact_text(repr(value))


class _StructlogHandler(logging.Handler):
    """The standard library's records through the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger = structlog.get_logger().bind(logger=record.name)
            logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info)
        except Exception:  # as every logging.Handler: a log line must not break the program
            self.handleError(record)

"""Log lines: JSON, one per event, joined to traces and requests, free of secrets."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from common.telemetry import configure_logging
from common.telemetry.tracing import RequestBound


@pytest.fixture
def stream() -> Iterator[io.BytesIO]:
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    written = io.BytesIO()
    configure_logging("info", service="orders", stream=written)
    yield written
    structlog.configure(**configuration)
    root.handlers[:], root.level = handlers, level


def _lines(stream: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split(b"\n") if line]


def test_a_line_says_when_what_and_where(stream: io.BytesIO) -> None:
    structlog.get_logger().info("order placed", order_id="ord_1", lines=2)
    (line,) = _lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "order placed", "level": "info", "service": "orders", "order_id": "ord_1", "lines": 2}


def test_a_line_carries_the_ids_of_trace_and_request(stream: io.BytesIO) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    with (
        RequestBound("payments", "req_1"),
        tracer.start_as_current_span("x") as span,
    ):
        structlog.get_logger().info("paid")
    context = span.get_span_context()
    (line,) = _lines(stream)
    assert (line["request_id"], line["service"]) == ("req_1", "payments")
    assert (line["trace_id"], line["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_nobody_can_forge_a_line(stream: io.BytesIO) -> None:
    hostile = 'ada\r\n{"event": "admin logged in"}\x1b[31m\u2028\u2029\u0085\x00'
    structlog.get_logger().info("login", name=hostile)
    text = stream.getvalue().decode()
    assert text.count("\n") == len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert _lines(stream)[0]["name"] == hostile


def test_secrets_do_not_get_in_by_value_key_or_exception(stream: io.BytesIO) -> None:
    try:
        raise ValueError("ada@example.org paid with 4242 4242 4242 4242")
    except ValueError:
        structlog.get_logger().exception("failed for ada@example.org", password="hunter2", body={"cvv": "987"})
    text = stream.getvalue().decode()
    for secret in ("ada@example.org", "4242", "hunter2", "987"):
        assert secret not in text
    assert "ValueError" in _lines(stream)[0]["exception"]


def test_the_standard_library_s_loggers_write_the_same_lines(stream: io.BytesIO) -> None:
    logging.getLogger("some.library").warning("lost %s of %d for %s", "one", 3, "ada@example.org")
    logging.getLogger("some.library").debug("not shown")
    (line,) = _lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("lost one of 3 for [e-mail]", "warning", "some.library")


def test_what_json_cannot_say_is_still_a_line(stream: io.BytesIO) -> None:
    log = structlog.get_logger()
    log.info("lone surrogate", text="\ud800")
    log.info("huge", number=10**400)
    log.info("object", value=object, set={1})
    log.info("mail ada@example.org in the fallback", number=10**400)
    assert len(_lines(stream)) == 4
    assert b"ada@example.org" not in stream.getvalue()


def test_servers_are_heard_when_something_is_wrong_and_not_about_every_socket(stream: io.BytesIO) -> None:
    logging.getLogger("uvicorn.error").info('127.0.0.1:1 - "WebSocket /graphql" [accepted]')
    logging.getLogger("websockets.server").info("connection open")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert [line["event"] for line in _lines(stream)] == ["Exception in ASGI application"]

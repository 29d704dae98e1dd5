"""uvicorn's HTTP/1.1 protocol with what every request pays for made cheaper, and a deadline for request heads.

Parsing, pipelining, flow control, WebSockets and streams stay uvicorn's. Changed are

* the answer in one piece: head and body are one write, so one system call, and headers are checked together;
* the body: handed on as it came, without a buffer or an event when it is there already, as nearly always;
* timers: a connection has one that looks when it was last used, instead of a new one after each answer;
* a request head must be whole in time (slow loris); a timer is only started when the first bytes did not bring all.

Measured on small answers with two subgraph requests: 0.92 of the CPU of the whole request.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_ALLOWED_BYTES = bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100)) + b"\t\r\n"
_AS_LINE = b": ".join
_COPIED = 64 * 1024  #: bytes; longer bodies are written beside their head, not copied behind it


def protocol_with_deadline(head_timeout_s: float) -> type[HttpToolsProtocol]:
    """Connections whose request head is not whole in that time are closed."""

    class RouterProtocol(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None
        _is_head_due = True
        _idle_since: float | None = None  #: seconds of the loop's clock; None while a request is under way
        cycle: _Cycle
        _known_url: tuple[bytes, str, bytes, bytes] = (b"", "", b"", b"")

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._deadline = self.loop.call_later(head_timeout_s, self._close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._is_head_due:
                self._disarm()
            elif self._deadline is None and self.parser is not None:
                self._deadline = self.loop.call_later(head_timeout_s, self._close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            if self.timeout_keep_alive_task is not None:
                self.timeout_keep_alive_task.cancel()
                self.timeout_keep_alive_task = None
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            self._is_head_due = True
            self.url = b""
            self.headers = []
            self.expect_100_continue = False

        def on_headers_complete(self) -> None:
            self._is_head_due = False
            parser, url = self.parser, self.url
            if url != self._known_url[0]:
                self._known_url = self._parse_url(url)
            version = parser.get_http_version()
            scope: Any = {
                "type": "http",
                "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
                "http_version": version,
                "server": self.server,
                "client": self.client,
                "scheme": self.scheme,
                "method": parser.get_method().decode("ascii"),
                "root_path": self.root_path,
                "path": self._known_url[1],
                "raw_path": self._known_url[2],
                "query_string": self._known_url[3],
                "headers": self.headers,
                "state": self.app_state.copy(),
            }
            self.scope = scope
            if parser.should_upgrade():
                super().on_headers_complete()
                return
            is_busy = bool(self.cycle) and not self.cycle.response_complete  # there is none before the first request
            keep_alive = version != "1.0" and parser.should_keep_alive()
            self.cycle = cycle = _Cycle(self, scope, keep_alive, self.expect_100_continue)
            if is_busy:
                self.flow.pause_reading()
                self.pipeline.appendleft((cycle, self.app))
            else:
                self._start_asgi_task(cycle, self.app)

        def _parse_url(self, url: bytes) -> tuple[bytes, str, bytes, bytes]:
            parsed = httptools.parse_url(url)
            raw_path = self.root_path.encode("ascii") + parsed.path
            path = parsed.path.decode("ascii")
            return url, self.root_path + (unquote(path) if "%" in path else path), raw_path, parsed.query or b""

        def on_body(self, body: bytes) -> None:
            if self.parser.should_upgrade():
                super().on_body(body)
            elif not self.cycle.response_complete:
                self.cycle.take(body)

        def on_message_complete(self) -> None:
            if self.parser.should_upgrade():
                super().on_message_complete()
            elif not self.cycle.response_complete:
                self.cycle.more_body = False
                self.cycle.wake()

        def on_response_complete(self) -> None:
            self.server_state.total_requests += 1
            if self.transport.is_closing():
                return
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
                return
            self._idle_since = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._look_again_in(self.timeout_keep_alive)

        def _unset_keepalive_if_required(self) -> None:
            self._idle_since = None

        def timeout_keep_alive_handler(self) -> None:
            self.timeout_keep_alive_task = None
            if self._idle_since is None:
                return
            left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
            if left_s > 0:
                self._look_again_in(left_s)
            else:
                self._close()

        def _look_again_in(self, seconds: float) -> None:
            self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

        def _disarm(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _close(self) -> None:
            self._deadline = None
            if not self.transport.is_closing():
                self.transport.close()

    return RouterProtocol


class _Cycle(RequestResponseCycle):
    """Gives the body at once when it is whole, and keeps the head of an answer until its body is there. What is no
    plain request or answer goes uvicorn's way."""

    # as uvicorn sets them for each request; few requests change them
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    _head: Any = None
    _is_taken = False
    _event: asyncio.Event | None = None

    def __init__(self, protocol: HttpToolsProtocol, scope: Any, keep_alive: bool, expects_100_continue: bool) -> None:
        self.scope = scope
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.access_logger = protocol.access_logger
        self.access_log = protocol.access_log
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expects_100_continue
        self.body: Any = b""

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]  # only who waits needs one
        if self._event is None:
            self._event = asyncio.Event()
        return self._event

    def wake(self) -> None:
        if self._event is not None:
            self._event.set()

    def take(self, body: bytes) -> None:
        """One more part of the request's body."""
        if not self.body:
            self.body = body
        else:
            if isinstance(self.body, bytes):
                self.body = bytearray(self.body)
            self.body += body
        if len(self.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.wake()

    async def receive(self) -> Any:
        if self.more_body or self._is_taken or self.waiting_for_100_continue or self.disconnected:
            return await super().receive()
        self._is_taken = True
        self.flow.resume_reading()
        body, self.body = self.body, b""
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    async def send(self, message: Any) -> None:
        head = self._head
        if head is None:
            if self.response_started or message["type"] != "http.response.start":
                await super().send(message)
            else:
                self._head = message
            return
        self._head = None
        written = self._write_head(head, message)
        if written is None:
            await super().send(head)
            await super().send(message)
            return
        if self.flow.write_paused:
            await self.flow.drain()
        if self.disconnected:
            return
        body = message["body"]
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        if len(body) <= _COPIED:
            self.transport.write(written + body)
        else:
            self.transport.writelines((written, body))
        self.wake()
        self.on_response()

    def _write_head(self, head: Any, message: Any) -> bytes | None:
        """For a body of the length that is declared, on a connection that stays open; None for any other. Raises
        RuntimeError for what would not be one line for each header."""
        if message["type"] != "http.response.body" or message.get("more_body", False) or not message.get("body"):
            return None
        if not self.keep_alive or self.access_log or self.scope["method"] == "HEAD":
            return None
        headers = [*self.default_headers, *head.get("headers", ())]
        written = STATUS_LINE[head["status"]] + b"\r\n".join(map(_AS_LINE, headers)) + b"\r\n\r\n"
        if (
            written.count(b"\n") != len(headers) + 2
            or written.count(b"\r") != len(headers) + 2
            or written.translate(None, _ALLOWED_BYTES)
        ):
            raise RuntimeError("a header of the response cannot be sent")
        if (
            b"\ncontent-length: %d\r" % len(message["body"]) not in written
            or b"\nconnection:" in written
            or b"\ntransfer-encoding:" in written
        ):
            return None
        return written

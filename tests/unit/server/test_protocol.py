"""The HTTP protocol under applications that do not behave, and requests that are not plain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from router.config import parse_config
from router.server.serve import make_server
from router.server.unread_watch import UnreadWatch

pytestmark = pytest.mark.anyio
REQUEST = b"POST /a%20b?c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """The client's end: what was written, and whether the connection is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.has_closed = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.has_closed.is_set()

    def close(self) -> None:
        self.has_closed.set()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def talk(app: ASGIApp, *pieces: bytes, config: str = "", until_closed: bool = False) -> tuple[Wire, ServerState]:
    """Sends the pieces one after the other, and lets the application come to its end, or waits for the connection's."""
    server = make_server(app, on_stop=lambda: None, config=parse_config(config, {}))
    return await _talk(server.config, pieces, until_closed=until_closed)


async def _talk(config: uvicorn.Config, pieces: Sequence[bytes], *, until_closed: bool) -> tuple[Wire, ServerState]:
    state, wire = ServerState(), Wire()
    config.load()
    make: Any = config.http_protocol_class
    protocol = make(config=config, server_state=state, app_state={"a": 1}, _loop=asyncio.get_running_loop())
    protocol.connection_made(wire)
    for piece in pieces:
        protocol.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    if until_closed:
        await wire.has_closed.wait()
    protocol.connection_lost(None)
    return wire, state


async def answer(send: Send, body: bytes = b"ok") -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def test_the_application_sees_the_request_as_asgi_says() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, await receive()))
        await answer(send)
        seen.append(await receive())

    wire, state = await talk(app, REQUEST)
    scope, body, end = seen
    assert (scope["method"], scope["path"], scope["raw_path"], scope["query_string"]) == (
        "POST",
        "/a b",
        b"/a%20b",
        b"c",
    )
    assert (scope["type"], scope["http_version"], scope["scheme"], scope["client"]) == (
        *("http", "1.1", "http"),
        ("127.0.0.1", 1),
    )
    assert (scope["headers"], scope["state"]) == ([(b"host", b"x"), (b"content-length", b"2")], {"a": 1})
    assert body == {"type": "http.request", "body": b"{}", "more_body": False}
    assert end == {"type": "http.disconnect"}
    assert wire.written.endswith(b"content-length: 2\r\n\r\nok")
    assert not state.tasks


async def test_a_body_in_pieces_is_read_as_it_comes() -> None:
    bodies: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_more = True
        while is_more:
            message = await receive()
            bodies.append(message["body"])
            is_more = message["more_body"]
        await answer(send)

    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    wire, _ = await talk(app, head, b"2\r\nab\r\n", b"1\r\nc\r\n", b"0\r\n\r\n")
    assert (b"".join(bodies), wire.written[-2:]) == (b"abc", b"ok")


@pytest.mark.parametrize("after_start", [False, True])
async def test_an_application_that_crashes_is_told_of_and_its_client_too(
    after_start: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if after_start:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
        raise RuntimeError("boom")

    with caplog.at_level(logging.ERROR):
        wire, state = await talk(app, REQUEST)
    assert "boom" in caplog.text
    assert wire.written.startswith(b"HTTP/1.1 200" if after_start else b"HTTP/1.1 500")
    assert wire.is_closing()
    assert not state.tasks


async def test_an_application_that_says_nothing_is_a_fault() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    wire, state = await talk(app, REQUEST)
    assert wire.written.startswith(b"HTTP/1.1 500")
    assert not state.tasks


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, scope["path"].encode() + b" " + (await receive())["body"])


@pytest.mark.parametrize("offer", ["connection: upgrade\r\nupgrade: h2c", "expect: 100-continue"])
@pytest.mark.parametrize("at", [0, 10, 110])
async def test_a_request_is_the_same_whatever_its_client_offers_or_expects(offer: str, at: int) -> None:
    head = f"POST /one HTTP/1.1\r\nhost: x\r\n{offer}\r\ncontent-length: 4\r\nx: {'x' * 40}\r\n\r\n"
    sent = head.encode() + b"body" + head.replace("one", "two").encode() + b"next"
    wire, state = await talk(echo, *filter(None, (sent[:at], sent[at:])))
    answers = wire.written.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").split(b"HTTP/1.1 200 OK")
    assert [each[-9:] for each in answers[1:]] == [b"/one body", b"/two next"]
    assert not state.tasks


async def test_fields_behind_the_body_are_no_headers() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        seen.extend(scope["headers"])
        await answer(send)

    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    wire, _ = await talk(app, head + b"1\r\na\r\n0\r\nauthorization: Bearer x\r\n\r\n")
    assert seen == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]
    assert wire.written.endswith(b"ok")


async def test_a_head_without_end_is_not_kept() -> None:
    config = "limits: {http1_max_request_buf_size: 10kb}"
    line = b"x: " + b"x" * 997
    wire, _ = await talk(echo, b"GET / HTTP/1.1\r\n", *[line] * 9, config=config)
    assert wire.written == b""
    wire, _ = await talk(echo, b"GET / HTTP/1.1\r\n", *[line] * 11, config=config)
    assert wire.written.startswith(b"HTTP/1.1 431 ")


async def test_the_rest_of_a_body_nobody_waits_for_has_a_deadline() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"too long")

    config = "server: {http: {header_read_timeout: 10ms}}"
    wire, _ = await talk(app, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n", b"a", b"b", config=config)
    assert wire.written.endswith(b"too long")
    wire, _ = await talk(
        app, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n", b"a", config=config, until_closed=True
    )
    assert wire.written.endswith(b"too long")


async def test_a_head_is_not_late_while_what_came_before_is_under_way() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await answer(send)

    config = "server: {http: {header_read_timeout: 10ms}}"
    wire, _ = await talk(app, REQUEST + REQUEST + b"GET /", config=config, until_closed=True)
    assert wire.written.count(b"HTTP/1.1 200 OK") == 2


class Buffer(asyncio.Transport):
    """So much of it is unread each time somebody looks."""

    def __init__(self, *unread_bytes: int) -> None:
        super().__init__()
        self.unread_bytes = list(unread_bytes)
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes.pop(0)

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize(("unread_bytes", "is_aborted"), [((9, 8, 8, 7, 7), False), ((9, 8, 8, 8), True)])
def test_who_takes_nothing_of_an_answer_is_cut_off_and_who_is_slow_is_not(
    unread_bytes: tuple[int, ...], is_aborted: bool
) -> None:
    looks: list[Callable[[], None]] = []
    loop = SimpleNamespace(call_later=lambda seconds, look: looks.append(look))
    buffer = Buffer(*unread_bytes)
    UnreadWatch(buffer, loop)  # type: ignore[arg-type]  # all of a loop that it needs
    while buffer.unread_bytes and not buffer.is_aborted:
        looks.pop()()
    assert buffer.is_aborted == is_aborted


async def test_requests_sent_at_once_are_answered_in_turn() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0)
        await answer(send, scope["query_string"])

    wire, state = await talk(app, REQUEST.replace(b"?c", b"?1") + REQUEST.replace(b"?c", b"?2"), REQUEST)
    assert [part[-1:] for part in wire.written.split(b"HTTP/1.1 200 OK")[1:]] == [b"1", b"2", b"c"]
    assert not state.tasks

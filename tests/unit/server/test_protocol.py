"""The HTTP protocol under applications that do not behave, and requests that are not plain."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.server import ServerState

from router.server.asgi import AsgiApp, Receive, Scope, Send
from router.server.serve import make_server

pytestmark = pytest.mark.anyio
REQUEST = b"POST /a%20b?c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """The client's end: what was written, and whether the connection is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def talk(app: AsgiApp, *pieces: bytes) -> tuple[Wire, ServerState]:
    """Sends the pieces one after the other, and lets the application come to its end."""
    config, state, wire = make_server(app, on_stop=lambda: None).config, ServerState(), Wire()
    config.load()
    make: Any = config.http_protocol_class
    protocol = make(config=config, server_state=state, app_state={"a": 1}, _loop=asyncio.get_running_loop())
    protocol.connection_made(wire)
    for piece in pieces:
        protocol.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
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
    assert wire.is_closed
    assert not state.tasks


async def test_an_application_that_says_nothing_is_a_fault() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    wire, state = await talk(app, REQUEST)
    assert wire.written.startswith(b"HTTP/1.1 500")
    assert not state.tasks


async def test_an_upgrade_nobody_offers_is_a_request_like_any_other() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, scope["path"].encode())

    head = b"GET /%s HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    wire, state = await talk(app, head % b"one")
    assert wire.written.endswith(b"/one")
    assert not state.tasks


async def test_requests_sent_at_once_are_answered_in_turn() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0)
        await answer(send, scope["query_string"])

    wire, state = await talk(app, REQUEST.replace(b"?c", b"?1") + REQUEST.replace(b"?c", b"?2"), REQUEST)
    assert [part[-1:] for part in wire.written.split(b"HTTP/1.1 200 OK")[1:]] == [b"1", b"2", b"c"]
    assert not state.tasks

"""A lean client of the router: GraphQL over HTTP/1.1 keep-alive connections, thousands of requests per second of CPU.

The crowd must not cost more than the shop: a request is two small joins of bytes, an answer one parse of its head.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

_TIMEOUT_S = 60.0


class LostAnswerError(Exception):
    """The connection ended, could not be made, or was silent too long: the outcome of the request is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the answer's JSON as it came."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed


class RefusedError(AssertionError):
    """GraphQL errors where a scenario expected none."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body[:2000].decode(errors="replace"))
        self.answer = answer

    @property
    def codes(self) -> list[str]:
        try:
            errors = self.answer.json().get("errors") or []
        except orjson.JSONDecodeError:
            return [f"HTTP {self.answer.status}"]
        return [str(error.get("extensions", {}).get("code", "")) for error in errors]


@dataclass(slots=True)
class Crowd:
    """Asks one server, `width` requests at once at most. Use `crowd`."""

    host: str
    port: int
    width: int
    _idle: asyncio.LifoQueue[_Connection | None] = field(init=False)

    def __post_init__(self) -> None:
        self._idle = asyncio.LifoQueue()
        for _ in range(self.width):
            self._idle.put_nowait(None)

    async def send(self, document: str, variables: Mapping[str, Any], token: str = "") -> Answer:
        """The answer, whatever it says. Raises LostAnswerError; nothing is sent twice."""
        body = orjson.dumps({"query": document, "variables": variables})
        return await self.post("/graphql", body, f"authorization: Bearer {token}\r\n" if token else "")

    async def post(self, path: str, body: bytes, headers: str = "") -> Answer:
        """`headers` are lines that end in CRLF."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\ncontent-type: application/json\r\n"
            f"accept: application/json\r\n{headers}content-length: {len(body)}\r\n\r\n"
        )
        connection = await self._idle.get()
        try:
            if connection is None or connection.is_closed:
                connection = await self._connect()
            async with asyncio.timeout(_TIMEOUT_S):
                return await connection.exchange(head.encode() + body)
        except (OSError, TimeoutError) as exc:
            if connection is not None:
                connection.close()
            raise LostAnswerError(repr(exc)) from exc
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        finally:
            self._idle.put_nowait(connection)

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None, token: str = "") -> Any:
        """The data. Raises LostAnswerError, and RefusedError where there are errors."""
        answer = await self.send(document, variables or {}, token)
        if answer.status != 200 or b'"errors":[{"message"' in answer.body[:40]:
            raise RefusedError(answer)
        parsed = answer.json()
        if parsed.get("errors"):
            raise RefusedError(answer)
        return parsed["data"]

    async def close(self) -> None:
        for _ in range(self.width):
            connection = await self._idle.get()
            if connection is not None:
                connection.close()

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, self.host, self.port)
        return connection


class _Connection(asyncio.Protocol):
    """One request at a time. Knows `content-length` and `chunked`, which is what the router answers with."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream protocol
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc if isinstance(exc, OSError) else ConnectionResetError("closed"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = _parsed(self._received)
        if answer is not None and self._waiting is not None and not self._waiting.done():
            self._received.clear()
            self._waiting.set_result(answer)

    async def exchange(self, request: bytes) -> Answer:
        if self.is_closed or self._transport is None:
            raise ConnectionResetError("closed before the request")
        self._received.clear()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()


def _parsed(received: bytearray) -> Answer | None:
    """None while something is missing."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    status = int(head[9:12])
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        return (
            Answer(status, bytes(received[end + 4 : end + 4 + length])) if len(received) >= end + 4 + length else None
        )
    if b"\r\ntransfer-encoding: chunked" in head:
        body = _dechunked(bytes(received[end + 4 :]))
        return None if body is None else Answer(status, body)
    return Answer(status, b"")


def _dechunked(data: bytes) -> bytes | None:
    parts: list[bytes] = []
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        size = int(line.split(b";")[0], 16)
        if len(data) < size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(data[:size])
        data = data[size + 2 :]


@asynccontextmanager
async def crowd(url: str, width: int) -> AsyncIterator[Crowd]:
    """`url` like http://127.0.0.1:8080."""
    host, _, port = url.removeprefix("http://").partition(":")
    members = Crowd("127.0.0.1" if host == "localhost" else host, int(port), width)
    try:
        yield members
    finally:
        await members.close()

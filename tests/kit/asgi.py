"""An ASGI application without a server: its lifespan, HTTP requests, and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

from router.transport.asgi.app import Lifespan


@dataclass(slots=True)
class Reply:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: list[bytes] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.json["errors"]]


class Client:
    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def request(
        self,
        method: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        path: str | None = None,
        query_string: str = "",
        hang_up_after: int | None = None,
    ) -> Reply:
        """`hang_up_after` so many parts of the body the client is gone."""
        reply = Reply()
        hung_up = asyncio.Event()
        incoming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if incoming:
                return incoming.pop()
            await hung_up.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
                return
            reply.body += message["body"]
            reply.parts.append(message["body"])
            if hang_up_after is not None and len(reply.parts) >= hang_up_after:
                hung_up.set()

        scope = {
            "type": "http",
            "method": method,
            "path": path or self._path,
            "query_string": query_string.encode(),
            "headers": _raw({"host": "router.example", **(headers or {})}),
            "client": ("192.0.2.1", 4711),
        }
        await self._app(scope, receive, send)
        return reply

    async def post(
        self, query: str | None = None, /, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Reply:
        payload = {**({} if query is None else {"query": query}), **more}
        return await self.post_json(payload, headers)

    async def post_json(self, payload: Any, headers: Mapping[str, str] | None = None) -> Reply:
        return await self.request(
            "POST", orjson.dumps(payload), {"content-type": "application/json", **(headers or {})}
        )

    async def get(self, path: str, query_string: str = "", headers: Mapping[str, str] | None = None) -> Reply:
        return await self.request("GET", b"", headers, path=path, query_string=query_string)

    @asynccontextmanager
    async def socket(
        self, headers: Mapping[str, str] | None = None, subprotocol: str | None = "graphql-transport-ws"
    ) -> AsyncIterator[Socket]:
        socket = Socket()
        scope = {
            "type": "websocket",
            "path": self._path,
            "query_string": b"",
            "headers": _raw({"host": "router.example", **(headers or {})}),
            "subprotocols": [subprotocol] if subprotocol else [],
            "client": ("192.0.2.1", 4711),
        }
        await socket.to_app.put({"type": "websocket.connect"})

        async def converse() -> None:
            await self._app(scope, socket.to_app.get, socket.from_app.put)

        task = asyncio.create_task(converse())
        try:
            yield socket
        finally:
            await socket.to_app.put({"type": "websocket.disconnect", "code": 1001})
            await asyncio.wait_for(task, 60)


class Socket:
    def __init__(self) -> None:
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()
        self.from_app: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        return await asyncio.wait_for(self.from_app.get(), 60)

    async def say(self, **message: Any) -> None:
        await self.to_app.put({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def hear(self) -> Any:
        """The next JSON message, or the close frame as (code, reason)."""
        message = await self.receive()
        if message["type"] == "websocket.close":
            return message["code"], message.get("reason", "")
        return orjson.loads(message["text"])

    async def init(self, payload: Any = None) -> Any:
        """Accept, connection_init, and what is heard then."""
        assert (await self.receive())["type"] == "websocket.accept"
        await self.say(type="connection_init", **({} if payload is None else {"payload": payload}))
        return await self.hear()


@asynccontextmanager
async def running(app: ASGIApp, path: str = "/graphql") -> AsyncIterator[Client]:
    async with Lifespan(app):
        yield Client(app, path)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]

"""Subscriptions to an application in this process, over a WebSocket scope."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.types import Message

from router.transport.asgi.client import AsgiClient
from router.transport.errors import StreamBrokenError, StreamRefusedError
from router.transport.graphql_ws import SUBPROTOCOL, subscribe_over
from router.transport.model import StreamEvent, SubgraphRequest

logger = logging.getLogger(__name__)

#: messages the application may be ahead of the router; then its `send` waits, which is the back pressure
QUEUE_SIZE = 64


class AsgiStreams:
    """A `SubgraphStreams` beside an `AsgiClient`, whose application and lifespan it shares."""

    def __init__(self, client: AsgiClient) -> None:
        self._client = client

    async def subscribe(self, request: SubgraphRequest) -> AsyncGenerator[StreamEvent, None]:
        channel = _AsgiChannel()
        scope = self._client.scope("websocket", request.headers)
        scope["subprotocols"] = [SUBPROTOCOL]
        app = self._client.app

        async def run() -> None:
            try:
                await app(scope, channel.app_receive, channel.app_send)
            except Exception:
                logger.exception("subgraph %s raised in a subscription", request.subgraph)
            finally:
                await channel.from_app.put({"type": "websocket.close"})

        task = asyncio.create_task(run(), name=f"subscription to {request.subgraph}")
        try:
            await channel.connect()
            async with aclosing(subscribe_over(channel, request.body)) as events:
                async for event in events:
                    yield event
        finally:
            channel.to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
            task.cancel()
            await asyncio.wait([task])


class _AsgiChannel:
    def __init__(self) -> None:
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()
        self.from_app: asyncio.Queue[Message] = asyncio.Queue(QUEUE_SIZE)

    async def app_receive(self) -> Message:
        return await self.to_app.get()

    async def app_send(self, message: Message) -> None:
        await self.from_app.put(message)

    async def connect(self) -> None:
        self.to_app.put_nowait({"type": "websocket.connect"})
        answer = await self.from_app.get()
        if answer["type"] != "websocket.accept":
            raise StreamRefusedError("the subgraph refused the WebSocket")
        if answer.get("subprotocol") != SUBPROTOCOL:
            raise StreamRefusedError(f"the subgraph does not speak {SUBPROTOCOL}")

    async def send_text(self, text: str) -> None:
        self.to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def receive_text(self) -> str | None:
        message = await self.from_app.get()
        if message["type"] != "websocket.send":
            return None
        text = message.get("text")
        if not isinstance(text, str):
            raise StreamBrokenError("a message that is not text")
        return text

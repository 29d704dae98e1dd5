"""Subscriptions over a WebSocket of their own (`websockets`), to the address that also takes the queries."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from router.transport.addresses import HttpAddress, UnixAddress
from router.transport.errors import ConnectFailedError, RequestTimedOutError, StreamBrokenError, StreamRefusedError
from router.transport.graphql_ws import SUBPROTOCOL, subscribe_over
from router.transport.model import OWN_HEADERS, StreamEvent, SubgraphRequest

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0


class WebSocketStreams:
    """A `SubgraphStreams` for one address. One connection per subscription: closing one never disturbs another."""

    def __init__(
        self,
        address: HttpAddress | UnixAddress,
        *,
        path: str | None = None,  #: when subscriptions have a path of their own
        tls: ssl.SSLContext | None = None,
        max_message_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self._address = address
        self._target = path or address.target
        self._tls = tls
        self._max_message_bytes = max_message_bytes

    async def subscribe(self, request: SubgraphRequest) -> AsyncGenerator[StreamEvent, None]:
        try:
            connection = await self._open(request)
        except TimeoutError:
            raise RequestTimedOutError(f"no WebSocket within {OPEN_TIMEOUT_S} s") from None
        except InvalidHandshake as exc:
            raise StreamRefusedError(f"the subgraph refused the WebSocket: {exc}") from exc
        except OSError as exc:
            raise ConnectFailedError(f"cannot connect to {self._address.authority}: {exc}") from exc
        try:
            if connection.subprotocol != SUBPROTOCOL:
                raise StreamRefusedError(f"the subgraph does not speak {SUBPROTOCOL}")
            async with aclosing(subscribe_over(_WebSocketChannel(connection), request.body)) as events:
                async for event in events:
                    yield event
        finally:
            await connection.close()

    async def _open(self, request: SubgraphRequest) -> ClientConnection:
        address = self._address
        options: dict[str, Any] = {
            "subprotocols": [Subprotocol(SUBPROTOCOL)],
            "additional_headers": [header for header in request.headers if header[0] not in OWN_HEADERS],
            "open_timeout": OPEN_TIMEOUT_S,
            "close_timeout": CLOSE_TIMEOUT_S,
            "max_size": self._max_message_bytes,
            "compression": None,
            "proxy": None,
        }
        if isinstance(address, UnixAddress):
            return await _Connect(f"ws://localhost{self._target}", unix=True, path=address.socket_path, **options)
        if address.is_tls:
            options["ssl"] = self._tls or ssl.create_default_context()
        scheme = "wss" if address.is_tls else "ws"
        return await _Connect(f"{scheme}://{address.authority}{self._target}", **options)


class _Connect(connect):
    """Goes where it was told to: what the subgraph is sent is not for whom it may point to."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _WebSocketChannel:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send_text(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as exc:
            raise StreamBrokenError(f"the subgraph closed the connection: {exc}") from exc

    async def receive_text(self) -> str | None:
        try:
            message = await self._connection.recv()
        except ConnectionClosed as exc:
            if exc.rcvd is not None and exc.rcvd.code != 1000:
                raise StreamBrokenError(
                    f"the subgraph closed the connection: {exc.rcvd.code} {exc.rcvd.reason}"
                ) from exc
            return None
        if not isinstance(message, str):
            raise StreamBrokenError("a message that is not text")
        return message

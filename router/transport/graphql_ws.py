"""The protocol `graphql-transport-ws`, client side, for one subscription on one connection.

In: a channel that carries text messages, and the subscribe payload. Out: the events of the subscription.
Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Protocol

import msgspec

from router.transport.errors import RequestTimedOutError, StreamBrokenError, StreamRefusedError
from router.transport.model import StreamEvent

SUBPROTOCOL = "graphql-transport-ws"


class Channel(Protocol):
    async def send_text(self, text: str) -> None: ...

    async def receive_text(self) -> str | None:
        """The next message; None when the other side has closed. Raises `StreamBrokenError`."""
        ...


async def subscribe_over(
    channel: Channel, payload: bytes, connection_payload: bytes = b"{}", ack_timeout_s: float = 10.0
) -> AsyncGenerator[StreamEvent, None]:
    """Events until `complete`. A final `error` message is given as one event with only `errors`, after which the
    stream ends. The caller closes the channel. Raises `StreamRefusedError`, `StreamBrokenError` and
    `RequestTimedOutError`."""
    await channel.send_text('{"type":"connection_init","payload":' + connection_payload.decode() + "}")
    try:
        async with asyncio.timeout(ack_timeout_s):
            await _wait_for_ack(channel)
    except TimeoutError:
        raise RequestTimedOutError(f"no connection_ack within {ack_timeout_s} s") from None
    await channel.send_text('{"id":"1","type":"subscribe","payload":' + payload.decode() + "}")
    while True:
        message = await _receive(channel)
        match message:
            case {"type": "next", "id": "1", "payload": dict() as event}:
                yield event
            case {"type": "error", "id": "1", "payload": list() as errors}:
                yield {"errors": errors}
                return
            case {"type": "complete", "id": "1"}:
                return
            case {"type": "ping"}:
                await channel.send_text('{"type":"pong"}')
            case {"type": "pong"}:
                pass
            case _:
                raise StreamBrokenError(f"unexpected message {str(message)[:100]}")


async def _wait_for_ack(channel: Channel) -> None:
    while True:
        match await channel.receive_text():
            case None:
                raise StreamRefusedError("the subgraph closed the connection instead of acknowledging it")
            case text:
                message = _parse(text)
        match message:
            case {"type": "connection_ack"}:
                return
            case {"type": "ping"}:
                await channel.send_text('{"type":"pong"}')
            case _:
                raise StreamRefusedError(f"expected connection_ack, not {text[:100]}")


async def _receive(channel: Channel) -> dict[str, Any]:
    text = await channel.receive_text()
    if text is None:
        raise StreamBrokenError("the subgraph closed the connection before the subscription was complete")
    return _parse(text)


def _parse(text: str) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(text)  # exact for integers of any size, unlike orjson
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise StreamBrokenError("a message that is not JSON") from exc
    if not isinstance(message, dict):
        raise StreamBrokenError("a message that is not an object")
    return message

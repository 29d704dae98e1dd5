"""Results of a subscription as bytes: server-sent events, or Apollo's multipart protocol.

Both carry heartbeats, so that a client that is gone is noticed and proxies keep the connection. Lines of SSE end in LF
alone: some clients split on nothing else. Sources: graphql-sse PROTOCOL.md (distinct connections), Apollo's
multipart subscription protocol, subscriptionSpec=1.0.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from router.errors import AUTH_ERROR
from router.execution.json import dump_json
from router.execution.model import ExecutionResult
from router.pipeline.negotiate import MediaType

#: the last event of a caller whose token has expired; heartbeats make it come without an event
_EXPIRED = ExecutionResult(None, ({"message": "The token has expired", "extensions": {"code": AUTH_ERROR.name}},))


async def encode_stream(
    results: AsyncGenerator[ExecutionResult, None],
    media_type: MediaType,
    heartbeat_s: float,
    stopping: asyncio.Event,
    expires_at: datetime | None = None,
) -> AsyncGenerator[bytes, None]:
    """Parts until the results end, the consumer closes, `stopping` is set, or the caller's token expires.

    The next result is asked for when the part before it was taken, so a slow client slows its own subscription and
    nothing piles up here."""
    is_sse = media_type is MediaType.EVENT_STREAM
    yield b":\n\n" if is_sse else b"\r\n--graphql"
    async with aclosing(_with_heartbeats(results, heartbeat_s, stopping)) as beats:
        async for result in beats:
            if expires_at is not None and datetime.now(UTC) >= expires_at:
                yield _sse_part(_EXPIRED) if is_sse else _multipart_part(_EXPIRED)
                break
            yield _sse_part(result) if is_sse else _multipart_part(result)
    yield b"event: complete\ndata: \n\n" if is_sse else b"--\r\n"


async def encode_once(body: bytes, media_type: MediaType) -> AsyncGenerator[bytes, None]:
    """A single response, as a stream of one."""
    if media_type is MediaType.EVENT_STREAM:
        yield b"event: next\ndata: " + body + b"\n\nevent: complete\ndata: \n\n"
    else:
        yield b"\r\n--graphql" + _part(b'{"payload":' + body + b"}") + b"--\r\n"


async def _with_heartbeats(
    results: AsyncGenerator[ExecutionResult, None], heartbeat_s: float, stopping: asyncio.Event
) -> AsyncGenerator[ExecutionResult | None, None]:
    """None for a heartbeat."""
    stopped = asyncio.ensure_future(stopping.wait())
    coming: asyncio.Future[ExecutionResult] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(anext(results))
            both: tuple[asyncio.Future[Any], ...] = (coming, stopped)
            await asyncio.wait(both, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                try:
                    result = coming.result()
                except StopAsyncIteration:
                    return
                coming = None
                yield result
            elif stopped.done():
                return
            else:
                yield None
    finally:
        stopped.cancel()
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await results.aclose()


def _sse_part(result: ExecutionResult | None) -> bytes:
    return b":\n\n" if result is None else b"event: next\ndata: " + dump_json(payload_of(result)) + b"\n\n"


def _multipart_part(result: ExecutionResult | None) -> bytes:
    return _part(b"{}" if result is None else dump_json({"payload": payload_of(result)}))


def _part(body: bytes) -> bytes:
    """One part, up to the boundary that ends it: a reader knows at once that the part is whole."""
    return b"\r\ncontent-type: application/json\r\n\r\n" + body + b"\r\n--graphql"


def payload_of(result: ExecutionResult) -> dict[str, object]:
    payload: dict[str, object] = {"data": result.data}
    if result.errors:
        payload["errors"] = result.errors
    if result.extensions:
        payload["extensions"] = result.extensions
    return payload

"""GraphQL over WebSocket: subprotocol `graphql-transport-ws`, for queries, mutations and subscriptions.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md, whose close codes are used. The token may come
with the handshake or in the payload of `connection_init`; when it expires, the socket is closed with 4403.
Events are asked for one at a time, after the one before was sent: a slow reader slows its own subscription only, and
one that reads nothing for half a minute is closed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from router.errors import GATEWAY_TIMEOUT, INTERNAL_SERVER_ERROR, SUBSCRIPTION_MAX_LIMIT, RequestError, refuse
from router.execution.json import MalformedJsonError, dump_json, load_json
from router.execution.model import ExecutionResult
from router.operation.model import OperationKind
from router.pipeline.authenticate import Caller
from router.pipeline.engine import Engine
from router.pipeline.handle import identify
from router.pipeline.read import GraphQLRequest, read_payload
from router.pipeline.run import answer, check_subscription, open_stream, start
from router.pipeline.stream import payload_of
from router.server.cors import Cors
from router.server.http import read_headers

logger = logging.getLogger(__name__)

SUBPROTOCOL = "graphql-transport-ws"
_SEND_DEADLINE_S = 30.0
#: client messages: so many at once, and so many per second in the long run
_BURST = 500
_PER_SECOND = 100
_LONGEST_ID = 256


class _CloseError(Exception):
    """The conversation is over; `code` and `reason` go into the close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve_websocket(engine: Engine, cors: Cors, scope: Scope, receive: Receive, send: Send) -> None:
    """One connection, from the handshake to its close."""
    await receive()
    headers = read_headers(scope["headers"])
    if engine.stopping.is_set() or not may_connect(cors, headers):
        return await send({"type": "websocket.close", "code": 1008})  # before accept: status 403
    if SUBPROTOCOL not in scope["subprotocols"]:
        await send({"type": "websocket.accept"})
        return await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
    client = scope.get("client")
    conversation = _Conversation(engine, headers, client[0] if client else "", send)
    try:
        await conversation.run(receive)
    except _CloseError as close:
        await conversation.close(close.code, close.reason)
    return None


def may_connect(cors: Cors, headers: Mapping[str, str]) -> bool:
    """Browsers send the origin and the user's cookies with every handshake and ask nobody: the origin must be our own
    or one that CORS allows. Other clients send none."""
    origin = headers.get("origin")
    return origin is None or cors.allows(origin) or urlsplit(origin).netloc == headers.get("host")


class _Conversation:
    """State of one connection. Operations run as tasks; the reader owns them."""

    def __init__(self, engine: Engine, headers: Mapping[str, str], client_address: str, send: Send) -> None:
        self._engine = engine
        self._headers = headers
        self._client_address = client_address
        self._send_message = send
        self._sending = asyncio.Lock()
        self._caller: Caller | None = None  #: None until connection_init was acknowledged
        self._has_init = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._deadline_s = time.monotonic() + engine.config.subscription.connection_init_timeout
        self._allowance = float(_BURST)
        self._counted_at_s = time.monotonic()
        self._is_gone = False

    async def run(self, receive: Receive) -> None:
        """Until the client goes. Raises _CloseError when we end it."""
        stopping = asyncio.ensure_future(self._engine.stopping.wait())
        coming: asyncio.Future[Any] = asyncio.ensure_future(receive())
        try:
            while True:
                both: tuple[asyncio.Future[Any], ...] = (coming, stopping)
                await asyncio.wait(both, timeout=self._wait_s(), return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    message = coming.result()
                    if message["type"] == "websocket.disconnect":
                        self._is_gone = True
                        return
                    await self._take(message)
                    coming = asyncio.ensure_future(receive())
                elif stopping.done():
                    raise _CloseError(1012, "Service restart")
                elif self._wait_s() == 0:
                    self._time_is_up()
        finally:
            stopping.cancel()
            coming.cancel()
            for task in self._operations.values():
                task.cancel()
            await asyncio.gather(*self._operations.values(), stopping, coming, return_exceptions=True)

    async def close(self, code: int, reason: str) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        await self._send_message({"type": "websocket.close", "code": code, "reason": reason[:120]})

    def _wait_s(self) -> float | None:
        """Until the time for connection_init, or the token's, is up; None when neither runs."""
        if not self._has_init:
            return max(0.0, self._deadline_s - time.monotonic())
        if self._caller is not None and self._caller.expires_at is not None:
            return max(0.0, (self._caller.expires_at - datetime.now(UTC)).total_seconds())
        return None

    def _time_is_up(self) -> None:
        if not self._has_init:
            raise _CloseError(4408, "Connection initialisation timeout")
        raise _CloseError(4403, "Forbidden: the token has expired")

    async def _take(self, message: Mapping[str, Any]) -> None:
        self._count()
        text = message.get("text")
        if text is None:
            raise _CloseError(4400, "Messages are text")
        match _parse(text):
            case {"type": "connection_init", **rest}:
                await self._init(rest.get("payload"))
            case {"type": "subscribe", "id": str(operation_id), "payload": dict(payload)} if operation_id:
                self._subscribe(operation_id, payload)
            case {"type": "complete", "id": str(operation_id)}:
                if task := self._operations.pop(operation_id, None):
                    task.cancel()
            case {"type": "ping"}:
                await self._send({"type": "pong"})
            case {"type": "pong"}:
                pass
            case _:
                raise _CloseError(4400, "Invalid message received")

    def _count(self) -> None:
        now_s = time.monotonic()
        self._allowance = min(_BURST, self._allowance + (now_s - self._counted_at_s) * _PER_SECOND) - 1
        self._counted_at_s = now_s
        if self._allowance < 0:
            raise _CloseError(4429, "Too many messages")

    async def _init(self, payload: object) -> None:
        if self._has_init:
            raise _CloseError(4429, "Too many initialisation requests")
        self._has_init = True
        if payload is not None and not isinstance(payload, dict):
            raise _CloseError(4400, "The payload of connection_init must be an object")
        self._headers = {**self._headers, **_headers_in(payload or {})}
        try:
            self._caller = await identify(self._engine, self._headers)
        except RequestError as refusal:
            raise _CloseError(4403, f"Forbidden: {refusal}") from None
        await self._send({"type": "connection_ack"})

    def _subscribe(self, operation_id: str, payload: Mapping[str, Any]) -> None:
        if self._caller is None:
            raise _CloseError(4401, "Unauthorized")
        if operation_id in self._operations:
            raise _CloseError(4409, f"Subscriber for {operation_id[:80]} already exists")
        if len(operation_id) > _LONGEST_ID:
            raise _CloseError(4400, "The id is too long")
        task = asyncio.create_task(self._operate(operation_id, payload, self._caller))
        self._operations[operation_id] = task
        task.add_done_callback(lambda _: self._forget(operation_id, task))

    def _forget(self, operation_id: str, task: asyncio.Task[None]) -> None:
        """The id may be in use again: clients complete and subscribe in one breath."""
        if self._operations.get(operation_id) is task:
            del self._operations[operation_id]

    async def _operate(self, operation_id: str, payload: Mapping[str, Any], caller: Caller) -> None:
        """One operation, from `subscribe` to `complete` or `error`."""
        try:
            if len(self._operations) > self._engine.config.subscription.max_per_socket:
                raise refuse(SUBSCRIPTION_MAX_LIMIT, "too many operations on this connection")
            await self._engine.rate_limits.check(caller, self._headers, self._client_address)
            await self._run_operation(operation_id, read_payload(payload), caller)
        except RequestError as refusal:
            await self._refuse(operation_id, refusal)
        except TimeoutError:
            await self._refuse(operation_id, refuse(GATEWAY_TIMEOUT, "Your request has been timed out"))
        except Exception:
            logger.exception("a fault while serving an operation on a WebSocket")
            await self._refuse(operation_id, refuse(INTERNAL_SERVER_ERROR, "Internal server error"))

    async def _run_operation(self, operation_id: str, request: GraphQLRequest, caller: Caller) -> None:
        timeout_s = self._engine.config.traffic_shaping.router.timeout
        self._engine.rate_limits.enter()
        try:
            async with asyncio.timeout(timeout_s):
                started = await start(self._engine, request, caller, self._headers)
                if started.operation.kind is not OperationKind.SUBSCRIPTION:
                    await self._next(operation_id, await answer(self._engine, started))
        finally:
            self._engine.rate_limits.leave()
        if started.operation.kind is OperationKind.SUBSCRIPTION:
            check_subscription(self._engine)
            async with aclosing(open_stream(self._engine, started)) as results:
                async for result in results:
                    await self._next(operation_id, result)
        await self._send({"id": operation_id, "type": "complete"})

    async def _next(self, operation_id: str, result: ExecutionResult) -> None:
        await self._send({"id": operation_id, "type": "next", "payload": payload_of(result)})

    async def _refuse(self, operation_id: str, refusal: RequestError) -> None:
        errors = [error.as_json() for error in refusal.errors]
        self._engine.readiness.answered(refusal.status)
        for error in refusal.errors:
            self._engine.metrics.failed(error.code.name)
        await self._send({"id": operation_id, "type": "error", "payload": errors})

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Nothing once the connection is gone, or when it takes nothing any more, which closes it."""
        if self._is_gone:
            return
        try:
            async with asyncio.timeout(_SEND_DEADLINE_S), self._sending:
                await self._send_message({"type": "websocket.send", "text": dump_json(message).decode()})
        except TimeoutError:
            await self.close(1013, "The client reads too slowly")
        except OSError:
            self._is_gone = True


def _parse(text: str) -> Any:
    try:
        return load_json(text.encode())
    except (MalformedJsonError, ValueError):
        raise _CloseError(4400, "Invalid message received") from None


def _headers_in(payload: Mapping[str, Any]) -> dict[str, str]:
    """Clients put headers into the payload, flat or under `headers`; only short strings are taken for such."""
    nested = payload.get("headers")
    found = {**payload, **nested} if isinstance(nested, dict) else payload
    return {
        name.lower(): value
        for name, value in found.items()
        if isinstance(name, str) and isinstance(value, str) and value.isprintable() and len(value) < 16_384
    }

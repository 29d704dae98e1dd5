"""One connection: bytes of a request in, one response out, then idle again.

A connection is idle, busy or closed, and belongs to one pool, which it tells about the two changes that matter: the
response is complete and the connection may be used again, or it is gone.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from router.transport.errors import (
    ConnectionLostError,
    MalformedHttpError,
    ResponseTooLargeError,
    TransportError,
    timed_out,
)
from router.transport.http.known_heads import KnownHeads
from router.transport.model import SubgraphResponse

#: of the lines before the body; what is longer is no answer of a GraphQL server
_MAX_HEAD_BYTES = 128 * 1024
_REQUEST_TIMEOUT = 408


class ConnectionOwner(Protocol):
    def connection_idle(self, connection: Connection) -> None: ...

    def connection_closed(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """Made by the pool through `loop.create_connection`."""

    def __init__(
        self,
        owner: ConnectionOwner,
        loop: asyncio.AbstractEventLoop,
        max_response_bytes: int,
        known_heads: KnownHeads,
        timeout_s: float,
    ) -> None:
        """`timeout_s` is what is said when whoever keeps the time calls `expire`."""
        self._timeout_s = timeout_s
        self._owner = owner
        self._known_heads = known_heads
        self.loop = loop  # kept: `get_running_loop` costs a system call before Python 3.12
        self._max_response_bytes = max_response_bytes
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[SubgraphResponse] | None = None
        self._has_received = False
        self.idle_since = 0.0  #: seconds of the loop's clock; 0.0 until the first response is complete
        self._begin()

    def _begin(self) -> None:
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._head_bytes = 0  #: received before the head was complete
        self._is_in_body = False
        self._is_sized = False
        self._ends_at_eof = False
        self._piece: bytes | None = None  #: the response so far, while it is one piece

    @property
    def is_closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def exchange(self, head: bytes, body: bytes) -> asyncio.Future[SubgraphResponse]:
        """Write the request; the future is the response. Only on an idle connection."""
        self._waiter = waiter = self.loop.create_future()
        self._has_received = False
        if self._transport is None:
            self._fail(ConnectionLostError("the subgraph closed the connection", before_response=True))
        else:
            self._transport.write(head + body)
        return waiter

    def close(self) -> None:
        """At once: a response under way is lost."""
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """The response did not come in time."""
        self._fail(timed_out(self._timeout_s))

    def _fail(self, error: TransportError) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.close()

    # --- asyncio.Protocol ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from it

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:  # an answer nobody asked for, as a 408 before the server closes
            self.close()
            return
        if self._has_received:
            self._piece = None
        else:
            known = self._known_heads.read(data)
            if known is not None:
                self._answer(known, may_stay=True)
                return
            self._has_received = True
            self._piece = data
        try:
            self._parser.feed_data(data)
            self._check_head(len(data))
        except httptools.HttpParserUpgrade:
            self._fail(MalformedHttpError("the subgraph switched protocols"))
        except httptools.HttpParserError as exc:
            self._fail(MalformedHttpError(f"not HTTP/1.1: {exc}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        waiter = self._waiter
        if waiter is not None:
            if self._ends_at_eof and exc is None:
                self._complete()
            else:
                reason = str(exc) if exc is not None else "the subgraph closed the connection"
                self._fail(ConnectionLostError(reason, before_response=not self._has_received))
        self._owner.connection_closed(self)

    # --- callbacks of httptools; what they raise would be wrapped, so they report through _fail --------------------

    def on_message_begin(self) -> None:
        if self._waiter is None:  # more than was asked for: nobody may take it for the answer to the next request
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-length":
                self._is_sized = True
                if int(value) > self._max_response_bytes:  # llhttp has checked that these are digits
                    self._fail(self._too_large())
            case b"transfer-encoding":
                self._is_sized = True
            case b"content-encoding" if value != b"identity":
                self._fail(MalformedHttpError(f"content-encoding {value.decode('latin-1')} though none was accepted"))

    def on_headers_complete(self) -> None:
        self._is_in_body = True
        self._ends_at_eof = not self._is_sized

    def on_body(self, body: bytes) -> None:
        self._size_bytes += len(body)
        if self._size_bytes > self._max_response_bytes:
            self._fail(self._too_large())
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # 100 Continue, 103 Early Hints: the response is still to come
            self._begin()
        elif self._waiter is not None:
            self._complete()

    def _complete(self) -> None:
        if self._parser.get_status_code() == _REQUEST_TIMEOUT and self.idle_since > 0.0:
            # said to the idle connection, and crossed the request on its way (RFC 9110, 15.5.9)
            self._fail(ConnectionLostError("the subgraph gave the idle connection up", before_response=True))
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        response = SubgraphResponse(self._parser.get_status_code(), body)
        may_stay = self._transport is not None and not self._ends_at_eof and self._parser.should_keep_alive()
        if may_stay and self._piece is not None:
            self._known_heads.remember(self._piece, response)
        self._begin()
        self._answer(response, may_stay=may_stay)

    def _answer(self, response: SubgraphResponse, *, may_stay: bool) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(response)
        if may_stay:
            self._owner.connection_idle(self)
        else:
            self.close()

    def _check_head(self, received_bytes: int) -> None:
        if not self._is_in_body and self._waiter is not None:
            self._head_bytes += received_bytes
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._fail(ResponseTooLargeError(f"the head of the response is larger than {_MAX_HEAD_BYTES} bytes"))

    def _too_large(self) -> ResponseTooLargeError:
        return ResponseTooLargeError(f"the response is larger than {self._max_response_bytes} bytes")

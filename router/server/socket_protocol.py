"""uvicorn's WebSocket protocol, with what it does for a client bounded and its last word heard.

* While a client does not read, nothing more is read from it either: else each ping of it leaves a pong in our memory.
* So many pings a second are answered, as messages are counted further inside (`websocket.py`).
* A frame that breaks the protocol or is too large ends the conversation with a close frame. What the client has sent
  behind it is read and thrown away for a while: bytes left unread turn a close into a reset, which overtakes the frame.
* A handshake that cannot be read, such as one with a body, is refused instead of left without an answer.
"""

from __future__ import annotations

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from router.server.unread_watch import UnreadWatch

_PINGS_PER_SECOND = 100
_LINGER_S = 10.0
_BAD_HANDSHAKE = STATUS_LINE[400] + b"content-length: 0\r\nconnection: close\r\n\r\n"


class RouterSocketProtocol(WebSocketsSansIOProtocol):
    _has_ended = False
    _ping_count = 0
    _pings_counted_since = float("-inf")

    _watch: UnreadWatch | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()
        self._watch = UnreadWatch(self.transport, self.loop)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching()
        if not self.read_paused:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def data_received(self, data: bytes) -> None:
        if self._has_ended:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(_BAD_HANDSHAKE)
            self.transport.close()

    def handle_ping(self) -> None:
        now = self.loop.time()
        if now - self._pings_counted_since >= 1:
            self._ping_count, self._pings_counted_since = 0, now
        self._ping_count += 1
        if self._has_ended:
            return
        if self._ping_count > _PINGS_PER_SECOND:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "Too many pings")
            self.handle_parser_exception()
        else:
            super().handle_ping()

    async def send(self, message: ASGISendEvent) -> None:
        if self._has_ended:
            raise ClientDisconnected
        await super().send(message)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def handle_parser_exception(self) -> None:
        self._has_ended = self.close_sent = True
        self.transport.writelines(self.conn.data_to_send())
        close = self.conn.close_sent
        if close is None:  # the handshake is not answered yet: there is no WebSocket to close
            self.transport.close()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.read_paused = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_LINGER_S, self.transport.close)

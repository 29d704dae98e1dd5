"""Ends connections whose clients do not take what is written for them: closing would wait for them for ever."""

from __future__ import annotations

import asyncio

_UNREAD_S = 30.0  #: who takes not one byte for so long is gone


class UnreadWatch:
    """From the moment writing is paused until it is resumed, or the connection is lost: then `stop()`."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._look_again()

    def stop(self) -> None:
        self._timer.cancel()

    def _look_again(self) -> None:
        self._unread_bytes = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(_UNREAD_S, self._look)

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._unread_bytes:
            self._look_again()
        else:
            self._transport.abort()

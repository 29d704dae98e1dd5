"""The connections to one origin: bounded in number, reused youngest first."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque
from dataclasses import dataclass

from router.transport.addresses import HttpAddress, UnixAddress
from router.transport.errors import ConnectFailedError
from router.transport.http.connection import Connection
from router.transport.http.known_heads import KnownHeads


@dataclass(frozen=True, slots=True)
class PoolLimits:
    max_connections: int = 256
    #: an idle connection is not reused after this long; must be below the server's own limit (uvicorn: 5 s unless set)
    max_idle_s: float = 4.0
    max_response_bytes: int = 64 * 1024 * 1024


class Pool:
    """`acquire` a connection, `exchange` on it; it comes back by itself when the response is complete."""

    def __init__(
        self, address: HttpAddress | UnixAddress, limits: PoolLimits, tls: ssl.SSLContext | None, timeout_s: float
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._limits = limits
        self._tls = tls
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._opening_count = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._known_heads = KnownHeads()
        self._is_closed = False
        self._all_closed = asyncio.Event()

    def take(self, max_idle_s: float) -> Connection | None:
        """An idle connection, if the youngest may be used: `acquire` without waiting, for nearly all requests."""
        if not self._idle:
            return None
        connection = self._idle[-1]
        oldest = connection.loop.time() - min(max_idle_s, self._limits.max_idle_s)
        return None if connection.is_closed or connection.idle_since < oldest else self._idle.pop()

    async def acquire(self, max_idle_s: float) -> Connection:
        """A connection not idle for longer than that (0: a new one). Waits while all are busy.

        Raises `ConnectFailedError`.
        """
        loop = asyncio.get_running_loop()
        oldest = loop.time() - min(max_idle_s, self._limits.max_idle_s) if max_idle_s > 0 else math.inf
        while True:
            while self._idle and self._idle[-1].is_closed:
                self._idle.pop()
            if self._idle and self._idle[-1].idle_since >= oldest:
                return self._idle.pop()
            if len(self._open) + self._opening_count < self._limits.max_connections:
                return await self._open_one()
            if self._idle:
                self._idle.popleft().close()  # makes room; we are told when it is gone
            waiter: asyncio.Future[Connection | None] = loop.create_future()
            self._waiters.append(waiter)
            try:
                handed_over = await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():  # given and taken away in the same turn of the loop
                    self._pass_on(waiter.result())
                raise
            if handed_over is not None:
                self._idle.append(handed_over)

    async def _open_one(self) -> Connection:
        if self._is_closed:
            raise ConnectFailedError("the client is closed")
        self._opening_count += 1
        try:
            connection = await self._connect()
        except OSError as exc:  # ssl.SSLError is one too
            self._pass_on(None)
            raise ConnectFailedError(f"cannot connect to {self._address.authority}: {exc}") from exc
        except asyncio.CancelledError:
            self._pass_on(None)
            raise
        finally:
            self._opening_count -= 1
        self._open.add(connection)
        return connection

    async def _connect(self) -> Connection:
        loop, address = asyncio.get_running_loop(), self._address

        def make() -> Connection:
            return Connection(self, loop, self._limits.max_response_bytes, self._known_heads, self._timeout_s)

        if isinstance(address, UnixAddress):
            _, connection = await loop.create_unix_connection(make, address.socket_path)
        else:
            server_hostname = address.host if self._tls is not None else None
            _, connection = await loop.create_connection(
                make, address.host, address.port, ssl=self._tls, server_hostname=server_hostname
            )
        return connection

    async def aclose(self) -> None:
        """Close all connections; responses under way are lost."""
        self._is_closed = True
        for connection in tuple(self._open):
            connection.close()
        if self._open:
            await self._all_closed.wait()  # connection_lost runs in a later turn of the loop

    # --- told by connections ---------------------------------------------------------------------------------------

    def connection_idle(self, connection: Connection) -> None:
        now = connection.loop.time()
        connection.idle_since = now
        if self._waiters:
            self._pass_on(connection)
            return
        self._idle.append(connection)
        while self._idle[0].idle_since < now - self._limits.max_idle_s:
            self._idle.popleft().close()

    def connection_closed(self, connection: Connection) -> None:
        self._open.discard(connection)
        if self._is_closed and not self._open:
            self._all_closed.set()
        if connection in self._idle:
            self._idle.remove(connection)
        self._pass_on(None)

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a connection, or (None) the right to open one, to who has waited longest."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is not None:
            self._idle.append(connection)

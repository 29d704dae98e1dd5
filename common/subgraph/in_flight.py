"""Counts HTTP requests being answered, so that a stop can wait for them; WebSockets never end and are left out."""

import asyncio

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger(__name__)


class InFlight:
    """How many requests are running. One per subgraph."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def started(self) -> None:
        self._count += 1
        self._idle.clear()

    def ended(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._idle.set()

    async def drained(self, timeout_s: float) -> None:
        """Returns when nothing runs any more, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("requests still in flight at the stop", count=self._count)


class CountInFlight:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, in_flight: InFlight) -> None:
        self.app = app
        self.in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.in_flight.started()
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight.ended()

"""Events pushed to clients: one NATS subscription per process, fanned out to bounded queues.

A listener that reads too slowly loses the oldest events, never the newest: what it sees last is the final state, and
memory stays flat. Nothing is acknowledged or repeated; who needs every event is a `Consumer`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from common.events.bus import Bus
from common.events.event import Event, subject_filter

Matches = Callable[[Event], bool]


class EventFeed:
    """`async with EventFeed(bus, "orders.>") as feed:` once per process, `async with feed.listen(matches) as events:`
    and `async for event in events:` per client.
    """

    def __init__(self, bus: Bus, type_pattern: str) -> None:
        self._bus = bus
        self._subject = subject_filter(type_pattern)
        self._listeners: set[_Listener] = set()
        self._started = asyncio.Event()
        self._pumping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "EventFeed":
        self._pumping = asyncio.create_task(self._pump())
        await self._started.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends all listeners."""
        if self._pumping is not None:
            self._pumping.cancel()
            await asyncio.wait([self._pumping])
        for listener in self._listeners:
            listener.end()

    @property
    def listener_count(self) -> int:
        return len(self._listeners)

    @asynccontextmanager
    async def listen(self, matches: Matches, *, max_pending: int = 100) -> AsyncIterator[AsyncIterator[Event]]:
        """Matching events from now on. `matches` is called for every event of the feed, so it must be cheap."""
        listener = _Listener(matches, max_pending)
        self._listeners.add(listener)
        try:
            yield listener.events()
        finally:
            self._listeners.discard(listener)

    async def _pump(self) -> None:
        try:
            async with self._bus.subscribe(self._subject) as events:
                self._started.set()
                async for event in events:
                    for listener in self._listeners:
                        listener.offer(event)
        finally:
            # whoever waits for the start learns of a failure by the listeners' end
            self._started.set()


class _Listener:
    def __init__(self, matches: Matches, max_pending: int) -> None:
        self._matches = matches
        self._pending: deque[Event] = deque(maxlen=max_pending)
        self._has_news = asyncio.Event()
        self._has_ended = False

    def offer(self, event: Event) -> None:
        if self._matches(event):
            self._pending.append(event)
            self._has_news.set()

    def end(self) -> None:
        self._has_ended = True
        self._has_news.set()

    async def events(self) -> AsyncIterator[Event]:
        while not self._has_ended or self._pending:
            if self._pending:
                yield self._pending.popleft()
            else:
                self._has_news.clear()
                await self._has_news.wait()

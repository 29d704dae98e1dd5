"""A worker for a table of things that are due: it looks when it is woken, and now and then for what the clock brings.

Whoever makes something due calls `Signal.wake`, mostly inside a transaction: the worker is woken by its commit. What
becomes due by the clock alone, or was left by a process that died, waits half a second at most.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from common.events.after_commit import after_commit

IDLE_PAUSE_S = 0.5


class Signal:
    """Wakes the worker of this process: something may be due."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """After the commit of the current transaction, at once outside of one."""
        after_commit(self._event.set)

    async def wait(self, timeout_s: float) -> bool:
        """Until woken or the time is over; True if woken."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        was_woken = self._event.is_set()
        self._event.clear()
        return was_woken


@dataclass(slots=True)
class DueWorker:
    """`take_due` takes what is due, one batch, and says how much that was. Several may run, here and elsewhere."""

    take_due: Callable[[], Awaitable[int]]
    signal: Signal
    #: a batch of at least so many is followed by another look at once
    batch: int = 1
    _is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        self._is_stopping = True
        self.signal.wake()

    async def run(self) -> None:
        while not self._is_stopping:
            if await self.take_due() < self.batch:
                await self.signal.wait(IDLE_PAUSE_S)

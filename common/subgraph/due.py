"""A worker for a table of things that are due: it looks often right after something happened, seldom when nothing does.

Whoever makes something due calls `Signal.wake`, mostly inside a transaction that has yet to commit; so the worker looks
again and again for a moment, then ever more slowly. What becomes due by the clock alone waits half a second at most.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

BUSY_PAUSE_S = 0.005
IDLE_PAUSE_S = 0.5


class Signal:
    """Wakes the worker of this process: something may be due."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

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
    _is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        self._is_stopping = True
        self.signal.wake()

    async def run(self) -> None:
        pause_s = BUSY_PAUSE_S
        while not self._is_stopping:
            taken_count = await self.take_due()
            was_woken = await self.signal.wait(BUSY_PAUSE_S if taken_count else pause_s)
            pause_s = BUSY_PAUSE_S if taken_count or was_woken else min(pause_s * 1.5, IDLE_PAUSE_S)

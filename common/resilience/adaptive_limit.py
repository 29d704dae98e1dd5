"""How many calls of one dependency may be under way: as many as it answers in time, which shows by how late it is.

A server that is sent more than it can do answers everything late, at last too late, and then works for nobody. Fewer
at once are answered no slower in sum, and each in time. So calls over the limit wait here, in turn, for a bounded time,
and the limit follows the answers: late ones halve it, and while somebody waits, each answer in time raises it a little
(congestion control as in Jacobson, "Congestion Avoidance and Control", 1988; after the example of Netflix's
concurrency-limits).

An answer is late when half of the time for a call is over. It tells of overload only if nothing that was sent after it
has been answered in time: else it is that call which takes long, not the queue before it (the same thought as CoDel's,
Nichols and Jacobson 2012: what stands in a queue shows in the shortest wait, not in the longest).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress

from common.clock import Clock

#: as parts of the time for a call
_LATE = 0.5
_PATIENT = 0.5  #: how long a call waits for its turn, so that a burst passes
_IMPATIENT = 0.1  #: the same when the dependency was overloaded a moment ago
_MOMENT = 5.0  #: longer than a limit takes to grow from half of what was too much
_GROWTH = 0.1  #: per answer, so by a tenth each time all places were used once


class AdaptiveLimit:
    """`if take() or await wait():` the call, and then `leave(…)`. For one event loop."""

    def __init__(self, timeout_s: float, *, highest: int = 256, lowest: int = 4, clock: Clock | None = None) -> None:
        """`timeout_s` is what a call may take. The limit is `highest` until something comes late."""
        self.limit = float(highest)
        self.in_flight = 0
        self._highest = highest
        self._lowest = min(lowest, highest)
        self._timeout_s = timeout_s
        self._late_s = timeout_s * _LATE
        self.now = time.monotonic if clock is None else clock.monotonic  #: seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._in_time_since = float("-inf")  #: when that call began, of those answered in time, which began last
        self._cut_at = float("-inf")

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    @property
    def patience_s(self) -> float:
        """How long a call that comes now waits for its turn."""
        was_overloaded = self.now() - self._cut_at < self._timeout_s * _MOMENT
        return self._timeout_s * (_IMPATIENT if was_overloaded else _PATIENT)

    def take(self) -> bool:
        """A place, if one is free."""
        if self.in_flight + 1 > self.limit or self._waiting:
            return False
        self.in_flight += 1
        return True

    async def wait(self) -> bool:
        """A place, when it is this caller's turn; False if that takes too long."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self.patience_s):
                await turn
        except (TimeoutError, asyncio.CancelledError) as exc:
            if turn.done() and not turn.cancelled():  # given and taken away in the same turn of the loop
                self.in_flight -= 1
                self._hand_over()
            with suppress(ValueError):
                self._waiting.remove(turn)
            if isinstance(exc, TimeoutError):
                return False
            raise
        return True

    def leave(self, began_at: float, *, was_answered: bool) -> None:
        """After the call, which began at `began_at` by `now()`, whatever became of it."""
        now = self.now()
        if now - began_at < self._late_s:
            if was_answered:
                if began_at > self._in_time_since:
                    self._in_time_since = began_at
                if self._waiting:
                    self.limit = min(self._highest, self.limit + _GROWTH)
        elif began_at > self._in_time_since and now - self._cut_at >= self._late_s:
            self.limit = max(self._lowest, self.limit / 2)
            self._cut_at = now
        self.in_flight -= 1
        if self._waiting:
            self._hand_over()

    def _hand_over(self) -> None:
        while self._waiting and self.in_flight + 1 <= self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

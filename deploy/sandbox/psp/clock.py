"""A clock that can be put forward, so that a week passes in a test."""

import datetime as dt

from common.clock import SystemClock


class MovableClock:
    """`Clock`; time goes on from where it was moved to."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._ahead = dt.timedelta()

    def now(self) -> dt.datetime:
        return self._real.now() + self._ahead

    def monotonic(self) -> float:
        return self._real.monotonic() + self._ahead.total_seconds()

    def advance(self, seconds: float) -> None:
        """Never back."""
        self._ahead += dt.timedelta(seconds=max(0.0, seconds))

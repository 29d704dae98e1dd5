"""Whether the router should be sent more: not when it has just refused too much (`health_check.readiness`)."""

from __future__ import annotations

from common.clock import Clock
from router.config.http import ReadinessConfig

#: answers that mean "not now": too much under way, or too late
_SHED = frozenset({503, 504})


class Readiness:
    """No, for `unready` seconds, once more than `allowed` requests were shed within `sampling` seconds."""

    def __init__(self, config: ReadinessConfig, clock: Clock) -> None:
        self._allowed = config.allowed
        self._sampling_s = config.interval.sampling
        self._unready_s = config.interval.unready_s
        self._now = clock.monotonic
        self._shed_count = 0
        self._sample_ends_at = float("-inf")
        self._ready_at = float("-inf")

    @property
    def is_ready(self) -> bool:
        return self._now() >= self._ready_at

    def answered(self, status: int) -> None:
        """Of each request, or operation on a WebSocket."""
        if status not in _SHED:
            return
        now = self._now()
        if now >= self._sample_ends_at:
            self._sample_ends_at, self._shed_count = now + self._sampling_s, 0
        self._shed_count += 1
        if self._shed_count > self._allowed:
            self._ready_at = now + self._unready_s

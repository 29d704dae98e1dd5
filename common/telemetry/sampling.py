"""Which traces are recorded when they are for people to look at: a bounded number per second.

A ratio shows a developer one click of a hundred, and costs a loaded server the same share whatever the load. A rate
shows every click, and costs at most so much: Jaeger's rate-limiting sampler, a bucket of tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

_DROP = SamplingResult(Decision.DROP)


class AtMostPerSecond(Sampler):
    """Lets through a burst of as many as come in one second, then as many as the rate allows."""

    def __init__(self, rate: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._most = max(rate, 1.0)
        self._tokens = self._most
        self._filled_at = monotonic()

    def has_token(self) -> bool:
        """Whether the next trace will be let through."""
        now = self._monotonic()
        self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return self._tokens >= 1.0

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes | None = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if not self.has_token():
            return _DROP
        self._tokens -= 1.0
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        return f"AtMostPerSecond({self._rate:g})"

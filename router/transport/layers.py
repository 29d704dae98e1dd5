"""Layers around a subgraph client: each is a client that wraps a client, so they are stacked in any order.

A call has one time limit however often it is tried, and what timed out is not tried again: a subgraph that is too slow
does not get faster by being asked more. The HTTP client keeps the time of an attempt itself, and a call nearly always
is one attempt; `TimeoutLayer` does it for clients that do not.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from common.resilience import RetryBudget, TimeLimit
from router.transport.errors import (
    ConnectFailedError,
    ConnectionLostError,
    TransportError,
    timed_out,
)
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse

#: answers of a proxy or server that is overloaded or starting; a repetition may meet a better moment
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class TimeoutLayer:
    client: SubgraphClient
    limit: TimeLimit

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Raises `RequestTimedOutError` when the client needs longer."""
        try:
            with self.limit.started():
                return await self.client.send(request)
        except TimeoutError:
            raise timed_out(self.limit.timeout_s) from None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full jitter: before attempt n+1 a pause between 0 and `base_s` * 2^n (Brooker, "Exponential backoff and jitter",
    AWS Architecture Blog, 2015)."""

    max_attempts: int = 3
    base_s: float = 0.05
    max_pause_s: float = 2.0

    def pause_s(self, attempt: int, draw: Callable[[], float]) -> float:
        """`attempt` counts from 1."""
        return min(self.max_pause_s, self.base_s * 2.0**attempt) * draw()


@dataclass(frozen=True, slots=True)
class RetryLayer:
    """Repeats queries that failed on the way. Mutations are repeated only when nothing was sent. Of many
    calls that fail few are repeated: a subgraph in trouble is not sent three times as much."""

    client: SubgraphClient  #: keeps the time of one attempt itself
    policy: RetryPolicy
    timeout_s: float = 30.0  #: for all attempts together
    draw: Callable[[], float] = random.random  #: in [0, 1)
    budget: RetryBudget = field(default_factory=RetryBudget)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Raises `RequestTimedOutError` when the attempts need longer."""
        began_at_s = time.monotonic()
        self.budget.pay_in()
        try:
            response = await self.client.send(request)
        except TransportError as exc:
            if not _may_repeat(exc, request):
                raise
            outcome: SubgraphResponse | TransportError = exc
        else:
            if response.status not in RETRYABLE_STATUSES or not request.is_repeatable:
                return response
            outcome = response
        try:
            async with asyncio.timeout(self.timeout_s - (time.monotonic() - began_at_s)):
                return await self._send_again(request, outcome)
        except TimeoutError:
            raise timed_out(self.timeout_s) from None

    async def _send_again(
        self, request: SubgraphRequest, outcome: SubgraphResponse | TransportError
    ) -> SubgraphResponse:
        """`outcome` is that of the first attempt; that of the last is given or raised."""
        for attempt in range(1, self.policy.max_attempts):
            if not self.budget.take_out():
                break
            await asyncio.sleep(self.policy.pause_s(attempt, self.draw))
            try:
                outcome = await self.client.send(request)
            except TransportError as exc:
                if not _may_repeat(exc, request):
                    raise
                outcome = exc
            else:
                if outcome.status not in RETRYABLE_STATUSES or not request.is_repeatable:
                    return outcome
        if isinstance(outcome, TransportError):
            raise outcome
        return outcome


def _may_repeat(error: TransportError, request: SubgraphRequest) -> bool:
    if isinstance(error, ConnectFailedError):
        return True
    return request.is_repeatable and isinstance(error, ConnectionLostError)

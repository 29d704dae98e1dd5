"""Layers around a subgraph client: each is a client that wraps a client, so they are stacked in any order.

`open_client.py` stacks them timeout(retry(client)): a call has one time limit however often it is tried, and what timed
out is not tried again, since a subgraph that is too slow does not get faster by being asked more. The HTTP client keeps
its time itself, so a call that is tried once needs no layer at all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from common.resilience import TimeLimit
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
    """Repeats queries that failed on the way. Mutations are repeated only when nothing was sent."""

    client: SubgraphClient
    policy: RetryPolicy
    draw: Callable[[], float] = random.random  #: in [0, 1)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        for attempt in range(1, self.policy.max_attempts):
            try:
                response = await self.client.send(request)
            except TransportError as exc:
                if not _may_repeat(exc, request):
                    raise
            else:
                if response.status not in RETRYABLE_STATUSES or not request.is_repeatable:
                    return response
            await asyncio.sleep(self.policy.pause_s(attempt, self.draw))
        return await self.client.send(request)


def _may_repeat(error: TransportError, request: SubgraphRequest) -> bool:
    if isinstance(error, ConnectFailedError):
        return True
    return request.is_repeatable and isinstance(error, ConnectionLostError)

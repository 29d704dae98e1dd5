"""Trying again: a few times, with full jitter, within the deadline and within a budget that keeps retries a small
share.

Full jitter: AWS, "Exponential Backoff And Jitter" (2015). Budget: Finagle's RetryBudget; without it every layer's three
tries multiply when a dependency is in trouble.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from common.errors import PunnetError
from common.resilience.deadline import remaining_s

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    #: the first one included
    attempts: int = 3
    base_s: float = 0.05
    cap_s: float = 1.0

    def delay_s(self, attempt: int) -> float:
        """After the `attempt`-th try (from 1), anything between nothing and base · 2^(attempt-1), capped."""
        return random.uniform(0, min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60)))  # noqa: S311  # jitter


class RetryBudget:
    """Retries as a share of calls: each call pays in `ratio`, each retry takes out one. Shared by the calls to one
    dependency."""

    def __init__(self, *, ratio: float = 0.2, reserve: float = 10.0) -> None:
        """`reserve` is there at the start and the most that is ever saved."""
        self._ratio = ratio
        self._reserve = reserve
        self._balance = reserve

    def pay_in(self) -> None:
        self._balance = min(self._reserve, self._balance + self._ratio)

    def take_out(self) -> bool:
        """False if nothing is left: do not retry."""
        if self._balance < 1:
            return False
        self._balance -= 1
        return True


def is_retryable_error(error: Exception) -> bool:
    """Our errors say so themselves; broken connections and timeouts are."""
    return error.is_retryable if isinstance(error, PunnetError) else isinstance(error, OSError)


async def retry(
    operation: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    *,
    is_retryable: Callable[[Exception], bool] = is_retryable_error,
    budget: RetryBudget | None = None,
) -> T:
    """The first result, or the exception of the last try. The operation must be safe to repeat.

    Waits at least as long as an error's `retry_after_s` says; gives up when the wait would outlast the deadline.
    """
    if budget is not None:
        budget.pay_in()
    attempt = 1
    while True:
        try:
            return await operation()
        except Exception as exc:
            if attempt >= policy.attempts or not is_retryable(exc):
                raise
            delay_s = max(policy.delay_s(attempt), getattr(exc, "retry_after_s", 0.0))
            if remaining_s(float("inf")) <= delay_s or (budget is not None and not budget.take_out()):
                raise
        await asyncio.sleep(delay_s)
        attempt += 1

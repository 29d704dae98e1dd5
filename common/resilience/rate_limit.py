"""Rate limits over `limits`: so many per time and key, counted in this process or, for several replicas, in Redis.

When the storage is away the limiter lets everybody in (`fail_open`, for comfort limits) or nobody (for guarding
logins).
"""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import Literal

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)
from limits.aio.strategies import (
    RateLimiter as LimitsRateLimiter,
)
from limits.errors import StorageError

Strategy = Literal["fixed-window", "moving-window", "sliding-window"]
_STRATEGIES: dict[Strategy, type[LimitsRateLimiter]] = {
    "fixed-window": FixedWindowRateLimiter,
    "moving-window": MovingWindowRateLimiter,
    "sliding-window": SlidingWindowCounterRateLimiter,
}
_STORAGE_TIMEOUT_S = 0.25
_MAX_KEY_LENGTH = 128

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RateDecision:
    is_allowed: bool
    #: 0 if allowed
    retry_after_s: float = 0.0


class RateLimiter:
    """One limit, e.g. "100/minute", for any number of keys."""

    def __init__(
        self,
        limit: str,
        *,
        name: str = "default",
        redis_url: str | None = None,
        strategy: Strategy = "sliding-window",
        fail_open: bool = True,
    ) -> None:
        """`name` keeps the keys of two limits apart. Raises ValueError for a limit `limits` cannot read."""
        self._item: RateLimitItem = parse(limit)
        self._name = name
        self._fail_open = fail_open
        self._storage = _storage_of(redis_url)
        self._limiter = _STRATEGIES[strategy](self._storage)

    async def hit(self, key: str, cost: int = 1) -> RateDecision:
        """Counts `cost` against the key, unless that would exceed the limit."""
        key = _bounded(key)
        try:
            async with asyncio.timeout(_STORAGE_TIMEOUT_S):
                if await self._limiter.hit(self._item, self._name, key, cost=cost):
                    return RateDecision(is_allowed=True)
                window = await self._limiter.get_window_stats(self._item, self._name, key)
        except (StorageError, OSError) as exc:
            _log.warning("rate limits cannot be counted", limit=self._name, fail_open=self._fail_open, error=repr(exc))
            return RateDecision(self._fail_open, 0.0 if self._fail_open else 1.0)
        return RateDecision(is_allowed=False, retry_after_s=max(0.0, window.reset_time - time.time()))

    async def forget(self, key: str) -> None:
        """Counts the key from zero again. While the storage is away it does not, and that is logged."""
        try:
            async with asyncio.timeout(_STORAGE_TIMEOUT_S):
                await self._limiter.clear(self._item, self._name, _bounded(key))
        except (StorageError, OSError) as exc:
            _log.warning("a rate limit cannot be reset", limit=self._name, error=repr(exc))

    async def close(self) -> None:
        """Disconnects from Redis, if that is where it counts."""
        if isinstance(self._storage, RedisStorage):
            await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]  # the client of redis-py


def _bounded(key: str) -> str:
    """Keys may come from clients: an endless one must not fill the storage."""
    return key if len(key) <= _MAX_KEY_LENGTH else hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _storage_of(redis_url: str | None) -> MemoryStorage | RedisStorage:
    if redis_url is None:
        return MemoryStorage()
    # coredis, which limits would take by itself, does not work with the client library we have
    return RedisStorage(f"async+{redis_url}", wrap_exceptions=True, implementation="redispy")

"""Caches of a subgraph: in Redis, shared by its replicas, where REDIS_URL names one; else in this process."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from common.clock import Clock
from common.resilience import Cache, memory_cache


@dataclass(frozen=True, slots=True)
class Caches:
    """What is opened here is closed when the subgraph stops."""

    subgraph: str
    redis_url: str | None
    clock: Clock
    stack: AsyncExitStack

    def open(self, name: str, value_type: Any, *, max_count: int, ttl_s: float, stale_s: float = 0.0) -> Cache[Any]:
        """`value_type` is what Redis's JSON is read into; `max_count` bounds what this process keeps.

        The times are those of `Cache`.
        """
        cache: Cache[Any]
        if self.redis_url is None:
            cache = memory_cache(max_count=max_count, ttl_s=ttl_s, stale_s=stale_s, clock=self.clock)
        else:
            from common.resilience.redis_cache import RedisCache  # slow to import, and seldom needed

            namespace = f"punnet:{self.subgraph}:{name}"
            cache = RedisCache(
                self.redis_url,
                namespace=namespace,
                value_type=value_type,
                ttl_s=ttl_s,
                stale_s=stale_s,
                clock=self.clock,
            )
        self.stack.push_async_callback(cache.close)
        return cache

"""The cache in Redis, shared by replicas, through aiocache.

When Redis is away, values are loaded as if nothing was cached.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import aiocache
import msgspec
import redis.asyncio
import redis.exceptions
import structlog
from aiocache.serializers import NullSerializer

from common.clock import Clock, SystemClock
from common.resilience.cache import Cache, Entry

V = TypeVar("V")

_TIMEOUT_S = 0.25
_AWAY = (redis.exceptions.RedisError, OSError)

_log = structlog.get_logger(__name__)


class RedisStore(Generic[V]):
    """JSON objects `{"value", "fresh_until_s"}` under `namespace:key`."""

    def __init__(self, url: str, *, namespace: str, value_type: Any, clock: Clock) -> None:
        self._client = redis.asyncio.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        # its own timeout, a task per call, is switched off: ours is cheaper
        self._cache = aiocache.RedisCache(serializer=NullSerializer(encoding=None), namespace=namespace, timeout=0)
        # aiocache takes no address, only its parts and not all of them (TLS, sockets)
        self._cache.client = self._client
        self._encode = msgspec.json.Encoder().encode
        self._decode: Callable[[bytes], Entry[V]] = msgspec.json.Decoder(Entry[value_type]).decode
        self._clock = clock

    def now_s(self) -> float:
        return self._clock.now().timestamp()

    async def read(self, key: str) -> Entry[V] | None:
        try:
            data: bytes | None = await self._within(self._cache.get(key))
            return None if data is None else self._decode(data)
        except msgspec.MsgspecError:
            # written by another version of ours
            return None
        except _AWAY as exc:
            _log.warning("the cache cannot be read", error=repr(exc))
            return None

    async def write(self, key: str, entry: Entry[V], *, keep_s: float) -> None:
        try:
            name, keep_ms = self._cache.build_key(key), max(1, round(keep_s * 1000))
            # aiocache's own `set` sends SETEX, which redis-py deprecates
            await self._within(self._cache.raw("set", name, self._encode(entry), px=keep_ms))
        except _AWAY as exc:
            _log.warning("the cache cannot be written", error=repr(exc))

    async def delete(self, key: str) -> None:
        try:
            await self._within(self._cache.delete(key))
        except _AWAY as exc:
            _log.warning("the cache cannot forget", error=repr(exc))

    async def close(self) -> None:
        await self._client.aclose()

    async def _within(self, operation: Any) -> Any:
        async with asyncio.timeout(_TIMEOUT_S):
            return await operation


class RedisCache(Cache[V]):
    """`value_type` is what msgspec reads JSON into: a dataclass, `dict[str, Any]`, `int | None`, …"""

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        value_type: Any,
        ttl_s: float,
        stale_s: float = 0.0,
        jitter: float = 0.1,
        clock: Clock | None = None,
    ) -> None:
        self._redis: RedisStore[V] = RedisStore(
            url, namespace=namespace, value_type=value_type, clock=clock or SystemClock()
        )
        super().__init__(self._redis, ttl_s=ttl_s, stale_s=stale_s, jitter=jitter)

    async def close(self) -> None:
        await super().close()
        await self._redis.close()

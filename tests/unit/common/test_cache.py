"""The cache: loads once, serves stale while loading anew, stays within its bound."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from common.resilience import MISSING, Cache, memory_cache
from common.resilience.redis_cache import RedisCache
from tests.kit.clock import FrozenClock
from tests.kit.redis import open_redis

pytestmark = pytest.mark.anyio


class _Loader:
    def __init__(self, *values: object) -> None:
        self._values = list(values)
        self.call_count = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> object:
        self.call_count += 1
        value = self._values.pop(0)
        await self.may_end.wait()
        if isinstance(value, Exception):
            raise value
        return value


def _cache(clock: FrozenClock, **options: float) -> Cache[object]:
    return memory_cache(max_count=3, ttl_s=10, jitter=0, clock=clock, **options)


async def test_a_herd_loads_once() -> None:
    cache, load = _cache(FrozenClock()), _Loader("value")
    assert await asyncio.gather(*(cache.get_or_load("key", load) for _ in range(500))) == ["value"] * 500
    assert load.call_count == 1


async def test_a_value_is_loaded_again_after_its_time() -> None:
    clock = FrozenClock()
    cache, load = _cache(clock), _Loader("old", "new")
    assert await cache.get_or_load("key", load) == "old"
    clock.advance(9.9)
    assert (await cache.get_or_load("key", load), await cache.get("key")) == ("old", "old")
    clock.advance(0.1)
    assert await cache.get("key") is MISSING
    assert await cache.get_or_load("key", load) == "new"


async def test_none_is_a_value() -> None:
    cache, load = _cache(FrozenClock()), _Loader(None)
    for _ in range(3):
        assert await cache.get_or_load("key", load) is None
    assert await cache.get("key") is None


async def test_a_stale_value_is_served_while_it_is_loaded_anew_once() -> None:
    clock = FrozenClock()
    cache, load = _cache(clock, stale_s=5), _Loader("old", "new")
    await cache.get_or_load("key", load)
    clock.advance(12)
    load.may_end.clear()
    assert [await cache.get_or_load("key", load) for _ in range(5)] == ["old"] * 5
    load.may_end.set()
    await _settle()
    assert await cache.get_or_load("key", load) == "new"
    assert load.call_count == 2


async def test_a_stale_value_outlives_a_failed_refresh_until_its_time_is_over() -> None:
    clock = FrozenClock()
    cache, load = _cache(clock, stale_s=5), _Loader("old", OSError("away"), OSError("away"))
    await cache.get_or_load("key", load)
    clock.advance(12)
    assert await cache.get_or_load("key", load) == "old"
    await _settle()
    clock.advance(4)
    with pytest.raises(OSError, match="away"):
        await cache.get_or_load("key", load)


async def test_a_failed_load_reaches_all_who_wait_and_is_not_kept() -> None:
    cache, load = _cache(FrozenClock()), _Loader(OSError("away"), "value")
    outcomes = await asyncio.gather(*(cache.get_or_load("key", load) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    assert await cache.get_or_load("key", load) == "value"


async def test_whoever_is_cancelled_does_not_take_the_value_from_the_others() -> None:
    cache, load = _cache(FrozenClock()), _Loader("value")
    load.may_end.clear()
    first = asyncio.create_task(cache.get_or_load("key", load))
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.get_or_load("key", load))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    load.may_end.set()
    assert await second == "value"
    assert load.call_count == 1


async def test_a_load_that_began_before_a_deletion_is_not_kept() -> None:
    cache, load = _cache(FrozenClock()), _Loader("before", "after")
    load.may_end.clear()
    reading = asyncio.create_task(cache.get_or_load("key", load))
    await asyncio.sleep(0)
    await cache.delete("key")
    load.may_end.set()
    assert await reading == "before"
    assert await cache.get_or_load("key", load) == "after"


async def test_the_least_recently_used_makes_room() -> None:
    cache = _cache(FrozenClock())
    for key in ("a", "b", "c"):
        await cache.set(key, key)
    await cache.get("a")
    await cache.set("d", "d")
    assert [await cache.get(key) for key in ("a", "b", "c", "d")] == ["a", MISSING, "c", "d"]


async def test_times_are_jittered() -> None:
    clock = FrozenClock()
    cache: Cache[int] = memory_cache(max_count=1000, ttl_s=100, jitter=0.2, clock=clock)
    for number in range(200):
        await cache.set(str(number), number)
    clock.advance(90)
    fresh_count = sum([await cache.get(str(number)) is not MISSING for number in range(200)])
    assert 50 < fresh_count < 150


async def test_closing_ends_loads() -> None:
    cache = _cache(FrozenClock())
    waiting = asyncio.create_task(cache.get_or_load("key", _forever()))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@dataclass(frozen=True)
class _Product:
    name: str
    price_minor: int | None


async def test_replicas_share_what_is_in_redis() -> None:
    async with open_redis() as redis:
        replicas: list[RedisCache[list[_Product]]] = [
            RedisCache(redis.url, namespace="products", value_type=list[_Product], ttl_s=10) for _ in range(2)
        ]
        products = [_Product("Erdbeeren", 499), _Product("Rhabarber", None)]

        async def load() -> list[_Product]:
            return products

        async def fail() -> list[_Product]:
            raise AssertionError("the other replica has loaded it")

        assert await replicas[0].get_or_load("all", load) == products
        assert await replicas[1].get_or_load("all", fail) == products
        assert list(redis.values) == [b"products:all"]
        await replicas[1].delete("all")
        assert await replicas[0].get("all") is MISSING
        for replica in replicas:
            await replica.close()


async def test_what_another_version_wrote_to_redis_is_loaded_anew() -> None:
    async with open_redis() as redis:
        cache: RedisCache[int | None] = RedisCache(redis.url, namespace="n", value_type=int | None, ttl_s=10)
        redis.values[b"n:key"] = b'{"value": "text", "fresh_until_s": 1}', float("inf")

        async def load() -> None:
            return None

        assert await cache.get_or_load("key", load) is None
        assert await cache.get("key") is None, "None is a value in Redis too"
        await cache.close()


async def test_without_redis_values_are_loaded_as_if_nothing_was_cached() -> None:
    cache: RedisCache[str] = RedisCache("redis://127.0.0.1:9", namespace="test", value_type=str, ttl_s=10)

    async def load() -> str:
        return "value"

    assert await cache.get_or_load("key", load) == "value"
    await cache.set("key", "value")
    await cache.delete("key")
    assert await cache.get("key") is MISSING
    await cache.close()


def _forever() -> Callable[[], Awaitable[object]]:
    async def load() -> object:
        return await asyncio.Event().wait()

    return load


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)

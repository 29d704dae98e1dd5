"""Cache-aside behind one interface: each missing value is loaded once however many wait for it.

    fresh    returned
    stale    returned, and loaded anew in the background (for `stale_s` after its time)
    missing  loaded; everybody who asks meanwhile waits for the same load, also if the first one is cancelled

None is a value like any other. Times are jittered so that what was stored together does not expire together. Loads are
shared within this process; of several replicas each loads once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

import structlog

from common.clock import Clock, SystemClock
from common.lru import LruMap

V = TypeVar("V")


class Missing(Enum):
    MISSING = "missing"


MISSING: Final = Missing.MISSING

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    value: V
    #: on the store's clock, in seconds
    fresh_until_s: float


class Store(Protocol[V]):
    """Where entries are kept. Never raises: a store that is away knows nothing."""

    def now_s(self) -> float:
        """The clock `fresh_until_s` is read by."""

    async def read(self, key: str) -> Entry[V] | None: ...

    async def write(self, key: str, entry: Entry[V], *, keep_s: float) -> None: ...

    async def delete(self, key: str) -> None: ...


class Cache(Generic[V]):
    """Values must not be changed by whoever gets them: everybody gets the same object."""

    def __init__(self, store: Store[V], *, ttl_s: float, stale_s: float = 0.0, jitter: float = 0.1) -> None:
        """Fresh for `ttl_s`, shortened at random by up to the share `jitter`; served stale for `stale_s` more."""
        self._store = store
        self._ttl_s = ttl_s
        self._stale_s = stale_s
        self._jitter = jitter
        self._loads: dict[str, asyncio.Task[V]] = {}

    async def get(self, key: str) -> V | Missing:
        """A fresh value or MISSING."""
        entry = await self._store.read(key)
        return entry.value if entry is not None and entry.fresh_until_s > self._store.now_s() else MISSING

    async def set(self, key: str, value: V, *, ttl_s: float | None = None) -> None:
        ttl_s = (self._ttl_s if ttl_s is None else ttl_s) * random.uniform(1 - self._jitter, 1)  # noqa: S311  # jitter
        entry = Entry(value, self._store.now_s() + ttl_s)
        await self._store.write(key, entry, keep_s=ttl_s + self._stale_s)

    async def delete(self, key: str) -> None:
        """Forgets it. A load that is under way stores its value nowhere: it may have read what has just changed."""
        self._loads.pop(key, None)
        await self._store.delete(key)

    async def get_or_load(self, key: str, load: Callable[[], Awaitable[V]], *, ttl_s: float | None = None) -> V:
        """The value, loaded if need be. What `load` raises reaches everybody who waits, and is not kept."""
        entry = await self._store.read(key)
        now_s = self._store.now_s()
        if entry is not None and now_s < entry.fresh_until_s + self._stale_s:
            if now_s >= entry.fresh_until_s and key not in self._loads:
                self._start(key, load, ttl_s).add_done_callback(_log_failure)
            return entry.value
        # shielded: whoever is cancelled here does not take the value from the others
        return await asyncio.shield(self._loads.get(key) or self._start(key, load, ttl_s))

    async def close(self) -> None:
        """Ends loads nobody waits for any more."""
        loads = list(self._loads.values())
        for task in loads:
            task.cancel()
        await asyncio.gather(*loads, return_exceptions=True)

    def _start(self, key: str, load: Callable[[], Awaitable[V]], ttl_s: float | None) -> "asyncio.Task[V]":
        task = asyncio.ensure_future(self._load(key, load, ttl_s))
        self._loads[key] = task
        return task

    async def _load(self, key: str, load: Callable[[], Awaitable[V]], ttl_s: float | None) -> V:
        task = asyncio.current_task()
        try:
            value = await load()
            if self._loads.get(key) is task:
                await self.set(key, value, ttl_s=ttl_s)
        finally:
            if self._loads.get(key) is task:
                del self._loads[key]
        return value


class MemoryStore(Generic[V]):
    """In this process, at most `max_count` entries, the least recently used making room."""

    def __init__(self, max_count: int, clock: Clock) -> None:
        self._entries: LruMap[str, Entry[V]] = LruMap(max_count)
        self._clock = clock

    def now_s(self) -> float:
        return self._clock.monotonic()

    async def read(self, key: str) -> Entry[V] | None:
        return self._entries.get(key)

    async def write(self, key: str, entry: Entry[V], *, keep_s: float) -> None:
        self._entries.put(key, entry)

    async def delete(self, key: str) -> None:
        self._entries.pop(key)


def memory_cache(
    *, max_count: int, ttl_s: float, stale_s: float = 0.0, jitter: float = 0.1, clock: Clock | None = None
) -> Cache[V]:
    """A cache in this process."""
    return Cache(MemoryStore(max_count, clock or SystemClock()), ttl_s=ttl_s, stale_s=stale_s, jitter=jitter)


def _log_failure(task: "asyncio.Task[V]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("a value could not be refreshed, the stale one is served", error=repr(error))

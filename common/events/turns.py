"""One at a time per key, first come first served; keys nobody waits for take no room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """`async with turns.of(key)`: waits until everybody who asked before for the same key is done."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        return len(self._locks)

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        lock, user_count = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = lock, user_count + 1
        try:
            async with lock:
                yield
        finally:
            lock, user_count = self._locks[key]
            if user_count == 1:
                del self._locks[key]
            else:
                self._locks[key] = lock, user_count - 1

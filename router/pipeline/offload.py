"""Long computations beside the event loop: one thread, each piece of work once, and never a long queue.

Parsing, validating and planning a large unseen operation takes tens of milliseconds. In a thread they share the
interpreter with the loop in slices of a few milliseconds, so requests already known are answered meanwhile. One thread
is enough, since the interpreter runs one at a time anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from router.errors import too_busy

T = TypeVar("T")
_MAX_WAITING = 64


class Offload:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
        self._running: dict[Hashable, asyncio.Future[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` returns or raises; callers with an equal key share one run, and one of them giving up does not
        stop it. Raises RequestError (503) when too much is waiting already."""
        running = self._running.get(key)
        if running is None:
            if len(self._running) >= _MAX_WAITING:
                raise too_busy("Too many new operations at once")
            running = asyncio.get_running_loop().run_in_executor(self._thread, work)
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        result: T = await asyncio.shield(running)
        return result

    def close(self) -> None:
        """Work that has not begun is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)

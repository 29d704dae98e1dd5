"""Argon2id off the event loop, a few at a time: one hash takes some 50 ms of a core and 64 MiB."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from common.errors import UnavailableError

T = TypeVar("T")

CONCURRENT_HASHES = 2
#: further ones wait; beyond that callers are told to come back: 64 × 50 ms / 2 is as long as anyone waits
MAX_WAITING_COUNT = 64


class Passwords:
    """Hashes and verifies. `hasher` carries the cost parameters; tests pass cheap ones."""

    def __init__(self, hasher: PasswordHasher | None = None, *, max_waiting_count: int = MAX_WAITING_COUNT) -> None:
        self._hasher = hasher or PasswordHasher()
        # threads of its own bound the work also when callers go away: a hash that has begun cannot be stopped
        self._threads = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="argon2")
        self._max_waiting_count = max_waiting_count
        self._waiting_count = 0

    async def hash(self, password: str) -> str:
        """In PHC form, with salt and parameters. Raises UnavailableError when too many wait already."""
        return await self._off_loop(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """False also for an account without a password, after the same time: nobody learns which addresses exist.

        Raises UnavailableError when too many wait already.
        """
        return await self._off_loop(lambda: self._verify(password_hash, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether it was made with other cost parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        dummy_hash = self._dummy_hash  # made by the first call of all, whomever it is about
        try:
            self._hasher.verify(password_hash or dummy_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    @cached_property
    def _dummy_hash(self) -> str:
        return self._hasher.hash("nobody's password")

    async def _off_loop(self, work: Callable[[], T]) -> T:
        if self._waiting_count >= self._max_waiting_count:
            raise UnavailableError("too many passwords wait to be hashed")
        self._waiting_count += 1
        done = self._threads.submit(work)
        # counted until it is really over, not until its caller has gone
        loop = asyncio.get_running_loop()
        waiting = asyncio.wrap_future(done, loop=loop)
        done.add_done_callback(lambda _: _call_soon(loop, self._one_less))
        return await waiting

    def _one_less(self) -> None:
        self._waiting_count -= 1


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """From a thread; a loop that is closed counts nothing any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)

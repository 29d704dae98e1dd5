"""Argon2id off the event loop, a few at a time: one hash takes some 50 ms of a core and 64 MiB."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

CONCURRENT_HASHES = 2


class Passwords:
    """Hashes and verifies. `hasher` carries the cost parameters; tests pass cheap ones."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(CONCURRENT_HASHES)

    async def hash(self, password: str) -> str:
        """In PHC form, with salt and parameters."""
        return await self._off_loop(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """False also for an account without a password, after the same time: nobody learns which addresses exist."""
        return await self._off_loop(lambda: self._verify(password_hash, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether it was made with other cost parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._dummy_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    @cached_property
    def _dummy_hash(self) -> str:
        return self._hasher.hash("nobody's password")

    async def _off_loop(self, work: Callable[[], T]) -> T:
        async with self._slots:
            return await asyncio.to_thread(work)

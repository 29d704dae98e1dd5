import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher

from common.errors import UnavailableError
from subgraphs.users.passwords import Passwords

pytestmark = pytest.mark.anyio


class CountingHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  # argon2's own name
        self.verified.append(str(hash))
        return super().verify(hash, password)


async def test_a_password_is_verified_against_its_own_hash() -> None:
    passwords = Passwords(CountingHasher())
    password_hash = await passwords.hash("correct horse")

    assert password_hash.startswith("$argon2id$")
    assert await passwords.verify(password_hash, "correct horse") is True
    assert await passwords.verify(password_hash, "wrong horse") is False
    assert await passwords.verify("not a hash", "correct horse") is False


async def test_an_unknown_account_costs_a_verification_and_never_matches() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher)

    assert await passwords.verify(None, "nobody's password") is False
    assert len(hasher.verified) == 1
    assert hasher.verified[0].startswith("$argon2id$")


class BlockedHasher(CountingHasher):
    """Takes as long as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go, self.both_at_work = threading.Event(), threading.Event()
        self.at_work, self.most_at_work = 0, 0
        self.lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
            if self.at_work == 2:
                self.both_at_work.set()
        self.may_go.wait(60)
        with self.lock:
            self.at_work -= 1
        return super().hash(password, salt=salt)


async def test_few_are_hashed_at_once_more_wait_and_too_many_are_told_to_come_back() -> None:
    hasher = BlockedHasher()
    passwords = Passwords(hasher, max_waiting_count=5)
    hashing = [asyncio.create_task(passwords.hash("x" * 8)) for _ in range(5)]
    await asyncio.to_thread(hasher.both_at_work.wait, 60)

    with pytest.raises(UnavailableError):
        await passwords.hash("one too many")
    # whoever goes away leaves work behind that has begun: it counts until it is over
    for task in hashing[:2]:
        task.cancel()
    await asyncio.sleep(0.05)
    hasher.may_go.set()
    await asyncio.wait(hashing)

    assert hasher.most_at_work == 2
    assert (await passwords.hash("once more")).startswith("$argon2id$")


async def test_the_loop_runs_while_a_password_is_hashed() -> None:
    hasher = BlockedHasher()
    hashing = asyncio.create_task(Passwords(hasher).hash("x" * 8))
    for _ in range(3):
        await asyncio.sleep(0.01)
        assert not hashing.done()
    hasher.may_go.set()
    await hashing

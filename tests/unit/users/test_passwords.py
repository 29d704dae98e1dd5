from typing import Literal

import pytest
from argon2 import PasswordHasher

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

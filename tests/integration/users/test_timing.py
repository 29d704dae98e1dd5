"""With hashes that cost some milliseconds: what a stopwatch tells about an address. Nothing, it should be."""

import secrets
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from argon2 import PasswordHasher

from common.subgraph.statements import record_statements
from subgraphs.users.app import create_app
from subgraphs.users.passwords import Passwords
from subgraphs.users.settings import UsersSettings
from tests.kit.people import LOGIN, guess, register
from tests.kit.subgraph import SubgraphClient, fresh_database_name, running
from tests.kit.users import users_settings

pytestmark = pytest.mark.anyio

SAMPLES = 60


@pytest.fixture(scope="module")
def settings(postgres_url: str, nats_url: str) -> UsersSettings:
    return users_settings(postgres_url, nats_url).model_copy(
        update={"login_attempts_per_minute": 100_000, "login_attempts_per_hour": 100_000}
    )


@pytest.fixture(scope="module")
async def slow(settings: UsersSettings) -> AsyncIterator[SubgraphClient]:
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=2048, parallelism=1))
    async with running(create_app(settings, database_name=fresh_database_name("users"), passwords=passwords)) as client:
        yield client


async def test_the_work_is_the_same_for_an_unknown_address(slow: SubgraphClient) -> None:
    hob = await register(slow, "Hob")
    database = slow.app.state.runtime.database

    async def statements_of(email: str) -> list[str]:
        with record_statements(database.observer) as statements:
            await guess(slow, email)
        return [s.text for s in statements if "user_account u" in s.text and "email_hash = $1" in s.text]

    assert await statements_of(hob.email) == await statements_of("nobody@example.org")
    assert len(await statements_of(hob.email)) == 1


async def test_the_time_of_an_answer_does_not_tell_whether_an_address_has_an_account(slow: SubgraphClient) -> None:
    ian = await register(slow, "Ian")
    await guess(slow, ian.email)  # the first use of everything

    known, unknown, told = await times(
        lambda: guess(slow, ian.email),
        lambda: guess(slow, f"nobody.{secrets.token_hex(4)}@example.org"),
        # the control: an answer without the work, as a check that returns early would give
        lambda: slow.execute(LOGIN, {"input": {"email": "no address", "password": "x"}}),
    )

    assert not can_be_told_apart(known, unknown)
    assert can_be_told_apart(known, told)
    assert statistics.median(known) > 0.002


async def times(*actions: Callable[[], Awaitable[object]]) -> list[list[float]]:
    """Seconds of each action, taken in turn so that whatever disturbs one disturbs the others."""
    measured: list[list[float]] = [[] for _ in actions]
    for _ in range(SAMPLES):
        for action, seconds in zip(actions, measured, strict=True):
            begun = time.perf_counter()
            await action()
            seconds.append(time.perf_counter() - begun)
    return measured


def can_be_told_apart(first: list[float], second: list[float]) -> bool:
    """More than chance, and by more than a fifth: a missing hash is nearly all of the time, reading a row a percent.

    Chance: the share of pairs in which the first is slower (Mann and Whitney's U), which an outlier moves by one pair
    each; with 60 of each, chance alone keeps it within 0.5 ± 0.21 in all but one of 10,000 runs.
    """
    share = sum(a > b for a in first for b in second) / (len(first) * len(second))
    one, other = statistics.median(first), statistics.median(second)
    return abs(share - 0.5) > 0.21 and abs(one - other) > 0.2 * max(one, other)

"""A subgraph's own database on a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from tortoise.exceptions import OperationalError

from common.subgraph.database import Database, fetch
from common.subgraph.postgres_url import parse_database_url
from common.subgraph.statements import record_statements
from subgraphs.users.models import User
from tests.kit.commerce import eventually
from tests.kit.subgraph import fresh_database_name

pytestmark = pytest.mark.anyio

SUBGRAPHS = list(yaml.safe_load((Path(__file__).parents[3] / "supergraph.yaml").read_text())["subgraphs"])


@asynccontextmanager
async def opened(postgres_url: str, subgraph: str = "users", name: str = "") -> AsyncIterator[Database]:
    database = Database(parse_database_url(postgres_url), subgraph, name=name or fresh_database_name(subgraph))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
async def test_the_migrations_say_what_the_models_say(postgres_url: str, subgraph: str) -> None:
    async with opened(postgres_url, subgraph) as database:
        await database.migrate()

        assert await database.unmigrated_changes() == []


async def test_processes_that_start_at_once_create_and_migrate_once(postgres_url: str) -> None:
    name = fresh_database_name("race")

    async def start() -> list[str]:
        async with opened(postgres_url, name=name) as database:
            await database.migrate()
            return [row["name"] for row in await database.fetch("SELECT name FROM tortoise_migrations")]

    applied = await asyncio.gather(*(start() for _ in range(4)))

    assert applied[0]
    assert all(names == applied[0] and len(names) == len(set(names)) for names in applied)


async def test_two_databases_in_one_process_do_not_mix(postgres_url: str) -> None:
    async def name_seen_by_models(database: Database) -> str:
        with database.use():
            await asyncio.sleep(0.01)
            rows: Any = await User.raw("SELECT gen_random_uuid() AS id, current_database() AS name")
        return str(next(iter(rows)).name)

    async with opened(postgres_url) as one, opened(postgres_url) as other:
        names = await asyncio.gather(*(name_seen_by_models(database) for database in (one, other) * 5))

    assert names == [one.name, other.name] * 5


async def test_a_transaction_commits_as_a_whole_or_not_at_all(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        await database.fetch("CREATE TABLE t (n int)")
        async with database.transaction():
            await database.fetch("INSERT INTO t VALUES (1)")
            with pytest.raises(ZeroDivisionError):
                await insert_and_fail(database, 2)
        with pytest.raises(ZeroDivisionError):
            await insert_and_fail(database, 3)

        assert await database.fetch("SELECT n FROM t") == [{"n": 1}]


async def test_a_cancelled_transaction_gives_its_connection_back(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.subgraph.database.STATEMENT_TIMEOUT_S", 3600.0)
    async with opened(postgres_url) as database:
        for has_begun in (False, True) * database.pool_max:
            task = asyncio.create_task(sleep_in_transaction(database))
            await asyncio.sleep(0)
            if has_begun:
                # that a statement is to end which it has not begun, a slow server does not hear
                await eventually(lambda: sleeper_count(database), 1)
            task.cancel()
            await asyncio.wait([task])

        async with asyncio.timeout(60):  # none of them sleeps on
            await asyncio.gather(*(database.fetch("SELECT 1") for _ in range(2 * database.pool_max)))


async def test_a_process_that_stands_still_in_a_transaction_loses_its_locks(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        assert await database.fetch("SHOW idle_in_transaction_session_timeout") == [
            {"idle_in_transaction_session_timeout": "1min"}
        ]


async def test_who_asks_first_gets_a_connection_first_however_many_come_later(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        # opening a connection takes longer than all the rest
        await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.2)") for _ in range(database.pool_max)))
        asked_count = 0
        served: list[int] = []

        async def ask(rounds: int) -> None:
            nonlocal asked_count
            for _ in range(rounds):
                number, asked_count = asked_count, asked_count + 1
                async with database.transaction() as connection:
                    await fetch(connection, "SELECT pg_sleep(0.001)")
                served.append(number)

        await asyncio.gather(*(ask(5) for _ in range(100)))
    overtaken_by = sorted(index - number for index, number in enumerate(served))
    # those at work together end in any order, and a connection the machine lets wait is overtaken by some more
    assert overtaken_by[len(served) * 9 // 10] <= 2 * database.pool_max


async def test_statements_are_recorded_without_transaction_control(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        with record_statements(database.observer) as statements:
            async with database.transaction() as connection:
                await fetch(connection, "SELECT $1::int AS n", [7])
            with pytest.raises(asyncpg.DivisionByZeroError):
                await driver_error(database.fetch("SELECT 1 / 0"))
            await asyncio.sleep(0)

    assert [(s.kind, s.text, s.has_failed) for s in statements] == [
        ("SELECT", "SELECT $1::int AS n", False),
        ("SELECT", "SELECT 1 / 0", True),
    ]


async def insert_and_fail(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await fetch(connection, "INSERT INTO t VALUES ($1)", [number])
        raise ZeroDivisionError


async def sleep_in_transaction(database: Database) -> None:
    async with database.transaction() as connection:
        await fetch(connection, "SELECT pg_sleep(3600)")


async def sleeper_count(database: Database) -> int:
    asleep = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    return len(await database.fetch(asleep))


async def driver_error(work: Awaitable[object]) -> None:
    """Raises the driver's error, which Tortoise has wrapped."""
    try:
        await work
    except OperationalError as exc:
        raise exc.__cause__ or exc from None

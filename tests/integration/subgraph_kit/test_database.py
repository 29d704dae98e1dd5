"""A subgraph's own database on a real server."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from common.subgraph.database import Database, fetch
from common.subgraph.postgres_url import parse_database_url
from common.subgraph.statements import record_statements
from subgraphs.users.models import User
from tests.kit.subgraph import fresh_database_name

pytestmark = pytest.mark.anyio

SUBGRAPHS = list(yaml.safe_load((Path(__file__).parents[3] / "supergraph.yaml").read_text())["subgraphs"])


def database_of(postgres_url: str, subgraph: str, name: str = "") -> Database:
    return Database(parse_database_url(postgres_url), subgraph, name=name or fresh_database_name(subgraph))


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
async def test_the_migrations_say_what_the_models_say(postgres_url: str, subgraph: str) -> None:
    database = database_of(postgres_url, subgraph)
    await database.open()

    await database.migrate()

    assert await database.unmigrated_changes() == []
    await database.close()


async def test_processes_that_start_at_once_create_and_migrate_once(postgres_url: str) -> None:
    name = fresh_database_name("race")
    databases = [database_of(postgres_url, "users", name) for _ in range(4)]

    async def start(database: Database) -> None:
        await database.open()
        await database.migrate()

    await asyncio.gather(*(start(database) for database in databases))

    rows = await databases[0].fetch("SELECT name FROM tortoise_migrations")
    assert len(rows) == len({row["name"] for row in rows})
    for database in databases:
        await database.close()


async def test_two_databases_in_one_process_do_not_mix(postgres_url: str) -> None:
    one, other = database_of(postgres_url, "users"), database_of(postgres_url, "users")
    for database in (one, other):
        await database.open()
        await database.migrate()

    async def name_seen_by_models(database: Database) -> str:
        with database.use():
            await asyncio.sleep(0.01)
            rows: Any = await User.raw("SELECT gen_random_uuid() AS id, current_database() AS name")
        return str(next(iter(rows)).name)

    names = await asyncio.gather(*(name_seen_by_models(database) for database in (one, other) * 5))

    assert names == [one.name, other.name] * 5
    for database in (one, other):
        await database.close()


async def test_a_transaction_commits_as_a_whole_or_not_at_all(postgres_url: str) -> None:
    database = database_of(postgres_url, "users")
    await database.open()
    await database.fetch("CREATE TABLE t (n int)")

    async with database.transaction():
        await database.fetch("INSERT INTO t VALUES (1)")
        with pytest.raises(ZeroDivisionError):
            await insert_and_fail(database, 2)
    with pytest.raises(ZeroDivisionError):
        await insert_and_fail(database, 3)

    assert await database.fetch("SELECT n FROM t") == [{"n": 1}]
    await database.close()


async def test_statements_are_recorded_without_transaction_control(postgres_url: str) -> None:
    database = database_of(postgres_url, "users")
    await database.open()

    with record_statements(database.observer) as statements:
        async with database.transaction() as connection:
            await fetch(connection, "SELECT $1::int AS n", [7])
        with pytest.raises(asyncpg.DivisionByZeroError):
            await asyncpg_error(database)
        await asyncio.sleep(0)

    assert [(s.kind, s.text, s.has_failed) for s in statements] == [
        ("SELECT", "SELECT $1::int AS n", False),
        ("SELECT", "SELECT 1 / 0", True),
    ]
    await database.close()


async def insert_and_fail(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await fetch(connection, "INSERT INTO t VALUES ($1)", [number])
        raise ZeroDivisionError


async def asyncpg_error(database: Database) -> None:
    """Runs a failing statement; Tortoise wraps the driver's error, which is what is raised here."""
    try:
        await database.fetch("SELECT 1 / 0")
    except Exception as exc:
        raise exc.__cause__ or exc from None

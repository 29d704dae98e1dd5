"""Migrations of a subgraph's database, by Tortoise's own tool, under a lock and without a statement timeout.

`python -m common.subgraph.migrations <subgraph> [-n NAME]` writes the migration for what changed in its models. It
needs DATABASE_URL and works in a database of its own there, `punnet_migrations_<subgraph>`.
"""

import argparse
import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor

from common.subgraph.postgres_url import PostgresServer, parse_database_url
from common.subgraph.tortoise_context import (
    CONNECT_TIMEOUT_S,
    CONNECTION,
    apps_config,
    close_context,
    open_context,
    using,
)

log = structlog.get_logger(__name__)

LOCK = zlib.crc32(b"punnet migrations")
#: how long one process waits for another that migrates
LOCK_TIMEOUT_S = 600.0


async def create_database(server: PostgresServer, name: str) -> None:
    """Nothing if it exists. Several processes may try at once."""
    connection = await asyncpg.connect(
        **server.connect_arguments(), database=server.maintenance_database, timeout=CONNECT_TIMEOUT_S
    )
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        quoted = '"' + name.replace('"', '""') + '"'
        await connection.execute(f"CREATE DATABASE {quoted}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        log.debug("another process created the database first", database=name)
    finally:
        await connection.close()


async def migrate(server: PostgresServer, name: str, subgraph: str) -> None:
    """Applies what is missing. Of two processes, one waits for the other."""
    locker = await asyncpg.connect(**server.connect_arguments(), database=name, timeout=CONNECT_TIMEOUT_S)
    try:
        # the lock belongs to this session: it is released even if we are killed
        await locker.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=LOCK_TIMEOUT_S)
        async with _context(server, name, subgraph) as context:
            executor = MigrationExecutor(context.db(CONNECTION), apps_config(subgraph))
            await executor.migrate(progress=lambda event, app, step: log.info(event, subgraph=app, migration=step))
    finally:
        await locker.close()


async def unmigrated_changes(server: PostgresServer, name: str, subgraph: str) -> list[str]:
    """Names of the migrations that are missing for the models as they are."""
    async with _context(server, name, subgraph) as context:
        return [writer.name for writer in await _autodetector(context, subgraph).changes()]


async def write_migrations(server: PostgresServer, subgraph: str, step: str | None = None) -> list[str]:
    """Paths of the files written, none if models and migrations agree. `step` replaces the name after the number."""
    name = f"punnet_migrations_{subgraph}"
    await create_database(server, name)
    async with _context(server, name, subgraph) as context:
        writers = await _autodetector(context, subgraph).changes()
        for writer in writers:
            if step:
                writer.name = f"{writer.name.split('_', 1)[0]}_{step}"
        return [str(writer.write()) for writer in writers]


@asynccontextmanager
async def _context(server: PostgresServer, name: str, subgraph: str) -> AsyncIterator[TortoiseContext]:
    # an index on a large table takes its time
    context = await open_context(server, name, subgraph, pool_max=2, statement_timeout_s=None)
    try:
        with using(context):
            yield context
    finally:
        await close_context(context)


def _autodetector(context: TortoiseContext, subgraph: str) -> MigrationAutodetector:
    if context.apps is None:
        raise RuntimeError("models are not loaded")
    return MigrationAutodetector(context.apps, apps_config(subgraph))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m common.subgraph.migrations", description=write_migrations.__doc__)
    parser.add_argument("subgraph")
    parser.add_argument("-n", "--name", help="what the migration does, as part of its file name")
    arguments = parser.parse_args()
    server = parse_database_url(os.environ["DATABASE_URL"])
    written = asyncio.run(write_migrations(server, arguments.subgraph, arguments.name))
    print("\n".join(written) or "No changes detected")


if __name__ == "__main__":
    main()

"""A subgraph's own database: created when absent, migrated under a lock, reached through one TortoiseContext.

Five subgraphs live in one process, so nothing is global: whoever runs queries does so inside `database.use()`, which
points Tortoise at this database for the current task and the tasks it starts.
"""

import sys
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
import structlog
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.context import TortoiseContext, _current_context
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor
from tortoise.transactions import in_transaction

from common.errors import UnavailableError
from common.events.sql import SqlConnection
from common.subgraph.postgres_url import PostgresServer
from common.subgraph.statements import StatementObserver

log = structlog.get_logger(__name__)

Row = dict[str, Any]

#: a statement running longer is a bug or a lock; better an error than a stuck pool
STATEMENT_TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Database:
    """`subgraphs/<subgraph>/{models.py,migrations/}` on the database `punnet_<subgraph>` of a server."""

    server: PostgresServer
    #: names the database, the Tortoise app and so its models: "users.User"
    subgraph: str
    pool_max: int = 10
    pool_min: int = 1
    #: overrides `punnet_<subgraph>`: tests use a database of their own
    name: str = ""
    observer: StatementObserver = field(default_factory=StatementObserver)
    _context: TortoiseContext | None = None

    def __post_init__(self) -> None:
        self.name = self.name or f"punnet_{self.subgraph}"

    async def open(self) -> None:
        """Creates the database if absent, connects the pool. Raises OSError or asyncpg errors if the server is away."""
        await self._create_if_absent()
        context = TortoiseContext()
        token = _current_context.set(context)
        try:
            await context.init(config=self._tortoise_config())
            # Tortoise connects on first use; a server that is away shall be noticed now
            await context.db("default").execute_query("SELECT 1")
        finally:
            _current_context.reset(token)
        self._context = context

    async def close(self) -> None:
        """Waits for connections in use (10 s at most), then closes the pool. Safe to call twice."""
        if self._context is not None:
            with self.use():
                await self._context.close_connections()
            self._context = None

    @contextmanager
    def use(self) -> Iterator[None]:
        """Inside the block, models and `in_transaction` mean this database. Re-entrant, free across tasks."""
        token = _current_context.set(self._opened())
        try:
            yield
        finally:
            _current_context.reset(token)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlConnection]:
        """Commits at the end, rolls back on any exception. Nested use is a savepoint. Start no task inside."""
        with self.use():
            transaction = in_transaction("default")
            try:
                await transaction.__aenter__()
            except BaseException:
                await _abandon(transaction)
                raise
            async with _begun(transaction) as connection:
                yield connection

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement with `$1` placeholders, in the current transaction if there is one."""
        with self.use():
            return await fetch(cast("SqlConnection", self._client()), sql, parameters)

    async def ping(self) -> None:
        """Raises unless the server answers: the readiness check."""
        await self.fetch("SELECT 1")

    async def migrate(self) -> None:
        """Applies missing migrations. Two processes may call it at once: one waits for the other's lock."""
        locker = await asyncpg.connect(**self.server.connect_arguments(), database=self.name, timeout=CONNECT_TIMEOUT_S)
        try:
            # the lock belongs to this session: it is released even if we are killed
            await locker.execute("SELECT pg_advisory_lock($1)", zlib.crc32(b"punnet migrations"))
            with self.use():
                executor = MigrationExecutor(self._client(), self._apps_config())
                await executor.migrate(progress=lambda event, app, name: log.info(event, subgraph=app, migration=name))
        finally:
            await locker.close()

    async def make_migrations(self, name: str | None = None) -> list[str]:
        """Writes migration files for model changes; paths of what was written, empty if models and migrations agree.

        `name` replaces the part of the file name after its number.
        """
        with self.use():
            writers = await self._autodetector().changes()
            for writer in writers:
                if name:
                    writer.name = f"{writer.name.split('_', 1)[0]}_{name}"
            return [str(writer.write()) for writer in writers]

    async def unmigrated_changes(self) -> list[str]:
        """Names of migrations that `make_migrations` would write."""
        with self.use():
            return [writer.name for writer in await self._autodetector().changes()]

    def _client(self) -> BaseDBAsyncClient:
        """The pool, or the transaction the calling task is in."""
        return self._opened().db("default")

    def _autodetector(self) -> MigrationAutodetector:
        apps = self._opened().apps
        if apps is None:
            raise RuntimeError("models are not loaded")
        return MigrationAutodetector(apps, self._apps_config())

    async def _create_if_absent(self) -> None:
        connection = await asyncpg.connect(
            **self.server.connect_arguments(), database=self.server.maintenance_database, timeout=CONNECT_TIMEOUT_S
        )
        try:
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", self.name):
                return
            quoted = '"' + self.name.replace('"', '""') + '"'
            await connection.execute(f"CREATE DATABASE {quoted}")
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            log.debug("another process created the database first", database=self.name)
        finally:
            await connection.close()

    def _opened(self) -> TortoiseContext:
        if self._context is None:
            raise UnavailableError(f"the database of {self.subgraph} is not open")
        return self._context

    def _apps_config(self) -> dict[str, dict[str, Any]]:
        package = f"subgraphs.{self.subgraph}"
        return {
            self.subgraph: {
                "models": [f"{package}.models"],
                "migrations": f"{package}.migrations",
                "default_connection": "default",
            }
        }

    def _tortoise_config(self) -> dict[str, Any]:
        async def prepare(connection: asyncpg.Connection) -> None:
            # asyncpg asks the server about an array type when it first meets it: now, rather than within a request
            await connection.fetch(
                "SELECT $1::uuid[], $2::text[], $3::bigint[], $4::int[], $5::timestamptz[]", [], [], [], [], []
            )
            connection.add_query_logger(self.observer)

        async def keep(_: asyncpg.Connection) -> None:
            """Saves asyncpg's reset round trip: we use SET LOCAL only and never LISTEN on a pooled connection."""

        credentials = {
            **self.server.connect_arguments(),
            "database": self.name,
            "minsize": self.pool_min,
            "maxsize": self.pool_max,
            "command_timeout": STATEMENT_TIMEOUT_S,
            "timeout": CONNECT_TIMEOUT_S,
            "init": prepare,
            "reset": keep,
            "server_settings": {"application_name": f"punnet-{self.subgraph}", "timezone": "UTC"},
        }
        return {
            "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
            "apps": self._apps_config(),
            "use_tz": True,
            "timezone": "UTC",
        }


@asynccontextmanager
async def _begun(transaction: TransactionContext) -> AsyncIterator[SqlConnection]:
    """Commits or rolls back a transaction that was entered."""
    try:
        try:
            yield cast("SqlConnection", transaction.client)
        except BaseException:
            await transaction.__aexit__(*sys.exc_info())
            raise
        await transaction.__aexit__(None, None, None)
    except BaseException:
        await _abandon(transaction)
        raise


async def _abandon(transaction: TransactionContext) -> None:
    """Gives back what a transaction took and, failing at its first or last step, did not give back itself.

    Tortoise (1.1) forgets it when BEGIN or the release fails, as they do when the server goes away: the pool would
    lose a connection for good, and the task would go on using the dead one.
    """
    token = getattr(transaction, "token", None)
    if not isinstance(transaction, TransactionContextPooled) or token is None or token._used:
        return
    get_connections().reset(token)
    if transaction.client._parent._pool is not None:
        await transaction.client._parent._pool.release(transaction.client._connection)


async def fetch(connection: SqlConnection, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
    """All rows, `… RETURNING` included (Tortoise's `execute_query` would drop those)."""
    return await connection.execute_query_dict(sql, list(parameters))

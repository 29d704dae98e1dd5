"""A subgraph's own database: created when absent, migrated, reached through one pool of connections.

Connections are given out first come, first served. asyncpg's pool alone sends whom it has woken to the end of the line
when a newcomer was faster: under load a few requests waited for ten seconds while the others took two.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError

from common.errors import BadInputError, UnavailableError
from common.events.sql import SqlConnection
from common.subgraph import migrations, transactions
from common.subgraph.postgres_url import PostgresServer
from common.subgraph.statements import StatementObserver
from common.subgraph.tortoise_context import CONNECTION, close_context, open_context, using

Row = dict[str, Any]

#: a statement running longer is a bug or a lock; better an error than a stuck pool
STATEMENT_TIMEOUT_S = 15.0
#: what PostgreSQL says to U+0000 in text and in jsonb
UNSTORABLE_TEXT = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)


#: whose transaction the current task is in
_in_transaction_of: ContextVar["Database | None"] = ContextVar("in_transaction_of", default=None)


@dataclass(slots=True, eq=False)
class Database:
    """`subgraphs/<subgraph>/{models.py,migrations/}` on the database `punnet_<subgraph>` of a server."""

    server: PostgresServer
    subgraph: str
    pool_max: int = 10
    #: overrides `punnet_<subgraph>`: tests use a database of their own
    name: str = ""
    observer: StatementObserver = field(default_factory=StatementObserver)
    _context: TortoiseContext | None = None
    #: as many as there are connections, in the order in which they were asked for
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.pool_max)
        self.name = self.name or f"punnet_{self.subgraph}"

    async def open(self) -> None:
        """Creates the database if absent, connects the pool. Raises OSError or asyncpg errors if the server is away."""
        await migrations.create_database(self.server, self.name)
        self._context = await open_context(
            self.server,
            self.name,
            self.subgraph,
            pool_max=self.pool_max,
            statement_timeout_s=STATEMENT_TIMEOUT_S,
            observer=self.observer,
        )

    async def close(self) -> None:
        """Waits for connections in use (10 s at most), then closes the pool. Safe to call twice."""
        if self._context is not None:
            await close_context(self._context)
            self._context = None

    async def migrate(self) -> None:
        """Applies missing migrations, under a lock."""
        await migrations.migrate(self.server, self.name, self.subgraph)

    async def unmigrated_changes(self) -> list[str]:
        """Names of migrations that are missing for the models as they are."""
        return await migrations.unmigrated_changes(self.server, self.name, self.subgraph)

    @contextmanager
    def use(self) -> Iterator[None]:
        """Inside the block Tortoise's models mean this database; for the current task and those it starts."""
        with using(self._opened()):
            yield

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlConnection]:
        """Commits at the end, rolls back on any exception. Nested use is a savepoint. Start no task inside."""
        if _in_transaction_of.get() is self:
            async with transactions.begin() as connection:
                yield connection
            return
        async with self._turns:
            token = _in_transaction_of.set(self)
            try:
                with self.use():
                    async with transactions.begin() as connection:
                        yield connection
            finally:
                _in_transaction_of.reset(token)

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement with `$1` placeholders, in the current transaction if there is one."""
        if _in_transaction_of.get() is self:
            return await self._fetch(sql, parameters)
        async with self._turns:
            return await self._fetch(sql, parameters)

    async def _fetch(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        with self.use():
            return await fetch(cast("SqlConnection", self._opened().db(CONNECTION)), sql, parameters)

    async def ping(self) -> None:
        """Raises unless the server answers: the readiness check."""
        await self.fetch("SELECT 1")

    def _opened(self) -> TortoiseContext:
        if self._context is None:
            raise UnavailableError(f"the database of {self.subgraph} is not open")
        return self._context


async def fetch(connection: SqlConnection, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
    """All rows, `… RETURNING` included (Tortoise's `execute_query` would drop those).

    Raises BadInputError for text with U+0000 in it, the one character PostgreSQL cannot store.
    """
    try:
        return await connection.execute_query_dict(sql, list(parameters))
    except OperationalError as exc:
        if isinstance(exc.__cause__, UNSTORABLE_TEXT):
            raise BadInputError("Text must not contain the character U+0000.") from exc
        raise

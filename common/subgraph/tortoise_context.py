"""One TortoiseContext per database: Tortoise's registry of models and its asyncpg pool, nothing global.

Five subgraphs live in one process, so a context is never the global one: whoever runs queries does so inside
`using(context)`, which holds for the current task and the tasks it starts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from tortoise.context import TortoiseContext, _current_context

from common.subgraph.postgres_url import PostgresServer
from common.subgraph.statements import StatementObserver

CONNECT_TIMEOUT_S = 10.0
#: a process that stands still gives up its locks: other replicas wait for them, and for its turn as a relay
IDLE_IN_TRANSACTION = "60s"
CONNECTION = "default"


async def open_context(
    server: PostgresServer,
    database_name: str,
    subgraph: str,
    *,
    pool_max: int,
    statement_timeout_s: float | None,
    observer: StatementObserver | None = None,
) -> TortoiseContext:
    """Loads the models of `subgraphs.<subgraph>` and connects. Raises OSError or asyncpg errors if that fails."""
    context = TortoiseContext()
    with using(context):
        await context.init(
            config={
                "connections": {
                    CONNECTION: {
                        "engine": "tortoise.backends.asyncpg",
                        "credentials": {
                            **server.connect_arguments(),
                            "database": database_name,
                            "minsize": 1,
                            "maxsize": pool_max,
                            "command_timeout": statement_timeout_s,
                            "timeout": CONNECT_TIMEOUT_S,
                            "server_settings": {
                                "application_name": f"punnet-{subgraph}",
                                "timezone": "UTC",
                                "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
                            },
                            "init": _preparation(observer),
                            "reset": _keep,
                        },
                    }
                },
                "apps": apps_config(subgraph),
                "use_tz": True,
                "timezone": "UTC",
            }
        )
        # Tortoise connects on first use; a server that is away shall be noticed now
        await context.db(CONNECTION).execute_query("SELECT 1")
    return context


async def close_context(context: TortoiseContext) -> None:
    """Waits for connections in use, 10 s at most."""
    with using(context):
        await context.close_connections()


@contextmanager
def using(context: TortoiseContext) -> Iterator[None]:
    """Re-entrant and free across tasks, which `with context:` is not: it keeps its token on the object."""
    token = _current_context.set(context)
    try:
        yield
    finally:
        _current_context.reset(token)


def apps_config(subgraph: str) -> dict[str, dict[str, Any]]:
    """Tortoise's app is called as the subgraph, so its models are "users.User"."""
    package = f"subgraphs.{subgraph}"
    return {
        subgraph: {
            "models": [f"{package}.models"],
            "migrations": f"{package}.migrations",
            "default_connection": CONNECTION,
        }
    }


def _preparation(observer: StatementObserver | None) -> Any:
    """What asyncpg runs on each new connection."""

    async def prepare(connection: asyncpg.Connection) -> None:
        # asyncpg asks the server about an array type when it first meets it: now, rather than within a request
        await connection.fetch(
            "SELECT $1::uuid[], $2::text[], $3::bigint[], $4::int[], $5::timestamptz[], $6::bool[], $7::bytea[]",
            *([] for _ in range(7)),
        )
        if observer is not None:
            connection.add_query_logger(observer)

    return prepare


async def _keep(_: asyncpg.Connection) -> None:
    """Saves asyncpg's reset, a round trip per statement: we use SET LOCAL only, and never LISTEN on a pool."""

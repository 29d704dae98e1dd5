"""A database with the tables of events, reached the way subgraphs reach theirs: Tortoise over an asyncpg pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tortoise.context import TortoiseContext, _current_context
from tortoise.utils import get_schema_sql

from common.events import Event, SqlConnection
from common.subgraph.transactions import begin


class EventDatabase:
    """Made by `open_event_database`."""

    def __init__(self, context: TortoiseContext) -> None:
        self._context = context

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlConnection]:
        token = _current_context.set(self._context)
        try:
            async with begin() as connection:
                yield connection
        finally:
            _current_context.reset(token)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """Outside any transaction."""
        return await self._context.db("default").execute_query_dict(query, values)

    async def fetch(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return await self.execute_query_dict(sql, list(values))

    async def count(self, table: str, condition: str = "TRUE") -> int:
        rows = await self.fetch(f'SELECT count(*) AS count FROM "{table}" WHERE {condition}')  # noqa: S608  # from tests
        return cast("int", rows[0]["count"])

    async def has(self, table: str, count: int, condition: str = "TRUE") -> bool:
        """At least so many rows."""
        return await self.count(table, condition) >= count


@asynccontextmanager
async def open_event_database(url: str, *, create_tables: bool) -> AsyncIterator[EventDatabase]:
    """Connects; `create_tables` makes the tables anew."""
    context = TortoiseContext()
    token = _current_context.set(context)
    try:
        await context.init(config=_config(url))
        client = context.db("default")
        if create_tables:
            await client.execute_script("DROP TABLE IF EXISTS outbox, inbox, dead_letter, effect")
            await client.execute_script(get_schema_sql(client, safe=False))
    finally:
        _current_context.reset(token)
    try:
        yield EventDatabase(context)
    finally:
        token = _current_context.set(context)
        await context.close_connections()
        _current_context.reset(token)


async def note_effect(connection: Any, event: Event) -> None:
    """A handler whose effect can be counted."""
    await connection.execute_query_dict(
        "INSERT INTO effect (event_id, note) VALUES ($1, $2) RETURNING id", [event.event_id, event.type]
    )


def _config(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    credentials: dict[str, Any] = {
        "host": query.get("host") or unquote(parts.hostname or "127.0.0.1"),
        "port": int(query.get("port") or parts.port or 5432),
        "user": query.get("user") or unquote(parts.username or "postgres"),
        "database": parts.path.lstrip("/"),
        "minsize": 1,
        "maxsize": 12,
    }
    if parts.password:
        credentials["password"] = unquote(parts.password)
    models = {"models": ["tests.kit.event_models"], "default_connection": "default"}
    return {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
        "apps": {"events": models},
        "use_tz": True,
    }

"""What the events need of a database: statements inside a transaction. Tortoise's clients fit, and so does a fake."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class SqlConnection(Protocol):
    """A connection, mostly one inside a transaction."""

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one statement with `$1` placeholders, RETURNING included."""


class Transactions(Protocol):
    """A subgraph's own database."""

    def transaction(self) -> AbstractAsyncContextManager[SqlConnection]:
        """Commits when the block ends, rolls back when it raises."""

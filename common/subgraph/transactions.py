"""A transaction on Tortoise's current connection that always gives back what it took."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.transactions import in_transaction

from common.events.after_commit import calling_after_commit
from common.events.sql import SqlConnection
from common.subgraph.tortoise_context import CONNECTION


@asynccontextmanager
async def begin() -> AsyncIterator[SqlConnection]:
    """Commits at the end, rolls back on any exception; inside another transaction it is a savepoint."""
    transaction = in_transaction(CONNECTION)
    with calling_after_commit():
        try:
            await transaction.__aenter__()
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

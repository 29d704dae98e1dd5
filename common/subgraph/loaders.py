"""Dataloaders: every key asked for in one tick of the event loop becomes one SQL statement.

`load_one` and `load_many` build the loaders subgraphs need most: rows by a unique key, and rows of a parent.
Source of the idea: https://github.com/graphql/dataloader.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader, get_current_batch

KeyT = TypeVar("KeyT", bound=Hashable)
RowT = TypeVar("RowT")

#: keys per statement; `= any($1)` stays one cheap index scan up to here
MAX_BATCH_KEYS = 1000


class Loader(DataLoader[KeyT, RowT]):
    """A dataloader that survives those who wait for it.

    graphql-core cancels the siblings of a field that fails. A cancelled task cancels the future it waits for, and here
    that is the future of everybody who asked for the same key: they would be cancelled too, and with them the request.
    """

    def load(self, key: KeyT) -> Awaitable[RowT]:
        found: asyncio.Future[RowT] | None = self.cache_map.get(key)
        if found is None:
            found = _Shared(loop=self.loop)
            self.cache_map.set(key, found)
            get_current_batch(self).add_task(key, found)
        return found


class _Shared(asyncio.Future[Any]):
    def cancel(self, msg: Any | None = None) -> bool:
        """It cannot be: the task that tries ends when the batch has."""
        return False


def load_one(
    fetch: Callable[[Sequence[KeyT]], Awaitable[Iterable[RowT]]], key_of: Callable[[RowT], KeyT]
) -> DataLoader[KeyT, RowT | None]:
    """Loader of the one row with a key; None where there is no such row. `fetch` gets distinct keys, order is free."""

    async def batch(keys: list[KeyT]) -> Sequence[RowT | None]:
        row_by_key = {key_of(row): row for row in await fetch(keys)}
        return [row_by_key.get(key) for key in keys]

    return Loader(load_fn=batch, max_batch_size=MAX_BATCH_KEYS)


def load_many(
    fetch: Callable[[Sequence[KeyT]], Awaitable[Iterable[RowT]]], key_of: Callable[[RowT], KeyT]
) -> DataLoader[KeyT, list[RowT]]:
    """Loader of all rows with a key, in the order `fetch` returned them; an empty list where there are none."""

    async def batch(keys: list[KeyT]) -> Sequence[list[RowT]]:
        rows_by_key: defaultdict[KeyT, list[RowT]] = defaultdict(list)
        for row in await fetch(keys):
            rows_by_key[key_of(row)].append(row)
        return [rows_by_key[key] for key in keys]

    return Loader(load_fn=batch, max_batch_size=MAX_BATCH_KEYS)

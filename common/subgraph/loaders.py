"""Dataloaders: every key asked for in one tick of the event loop becomes one SQL statement.

`load_one` and `load_many` build the loaders subgraphs need most: rows by a unique key, and rows of a parent.
Source of the idea: https://github.com/graphql/dataloader.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader

KeyT = TypeVar("KeyT", bound=Hashable)
RowT = TypeVar("RowT")

#: keys per statement; `= any($1)` stays one cheap index scan up to here
MAX_BATCH_KEYS = 1000


def load_one(
    fetch: Callable[[Sequence[KeyT]], Awaitable[Iterable[RowT]]], key_of: Callable[[RowT], KeyT]
) -> DataLoader[KeyT, RowT | None]:
    """Loader of the one row with a key; None where there is no such row. `fetch` gets distinct keys, order is free."""

    async def batch(keys: list[KeyT]) -> Sequence[RowT | None]:
        row_by_key = {key_of(row): row for row in await fetch(keys)}
        return [row_by_key.get(key) for key in keys]

    return DataLoader(load_fn=batch, max_batch_size=MAX_BATCH_KEYS)


def load_many(
    fetch: Callable[[Sequence[KeyT]], Awaitable[Iterable[RowT]]], key_of: Callable[[RowT], KeyT]
) -> DataLoader[KeyT, list[RowT]]:
    """Loader of all rows with a key, in the order `fetch` returned them; an empty list where there are none."""

    async def batch(keys: list[KeyT]) -> Sequence[list[RowT]]:
        rows_by_key: defaultdict[KeyT, list[RowT]] = defaultdict(list)
        for row in await fetch(keys):
            rows_by_key[key_of(row)].append(row)
        return [rows_by_key[key] for key in keys]

    return DataLoader(load_fn=batch, max_batch_size=MAX_BATCH_KEYS)

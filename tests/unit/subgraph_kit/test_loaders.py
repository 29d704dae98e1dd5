import asyncio
from collections.abc import Sequence

import pytest

from common.subgraph.loaders import load_many, load_one

pytestmark = pytest.mark.anyio

ROWS = [(1, "a"), (2, "b"), (2, "c")]


async def test_keys_asked_for_at_once_are_one_batch_of_distinct_keys() -> None:
    batches: list[list[int]] = []

    async def fetch(keys: Sequence[int]) -> list[tuple[int, str]]:
        batches.append(list(keys))
        return [row for row in reversed(ROWS) if row[0] in keys]

    one, many = load_one(fetch, lambda row: row[0]), load_many(fetch, lambda row: row[0])

    rows = await asyncio.gather(one.load(1), one.load(3), one.load(1))
    groups = await asyncio.gather(many.load(2), many.load(3))

    assert list(rows) == [(1, "a"), None, (1, "a")]
    assert list(groups) == [[(2, "c"), (2, "b")], []]
    assert batches == [[1, 3], [2, 3]]


async def test_one_who_no_longer_waits_takes_nothing_from_the_others() -> None:
    async def fetch(keys: Sequence[int]) -> list[tuple[int, str]]:
        await asyncio.sleep(0.01)
        return ROWS[:1]

    one = load_one(fetch, lambda row: row[0])

    async def ask() -> object:
        return await one.load(1)

    given_up, patient = asyncio.create_task(ask()), asyncio.create_task(ask())
    await asyncio.sleep(0)
    given_up.cancel()

    assert await patient == (1, "a")
    with pytest.raises(asyncio.CancelledError):
        await given_up

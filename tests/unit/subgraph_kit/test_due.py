"""A worker looks when it is woken and after a full batch, and otherwise leaves the database alone."""

import asyncio
from collections import deque
from contextlib import suppress

import pytest

from common.subgraph.due import DueWorker, Signal
from tests.kit.virtual_time import VIRTUAL_TIME, Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


class Table:
    """Says how much was due, look after look; nothing once the list is over."""

    def __init__(self, *due_counts: int) -> None:
        self._due_counts = deque(due_counts)
        self.look_count = 0

    async def take_due(self) -> int:
        self.look_count += 1
        return self._due_counts.popleft() if self._due_counts else 0


async def looks(table: Table, batch: int, *, wake_count: int = 0, for_s: float = 0.2) -> int:
    """How often the worker looked in that time, less than it waits by itself."""
    signal = Signal()
    worker = DueWorker(table.take_due, signal, batch=batch)
    running = asyncio.create_task(worker.run())
    for _ in range(wake_count):
        await asyncio.sleep(0.01)
        signal.wake()
    with suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await asyncio.shield(running)
    look_count = table.look_count
    worker.stop()
    await running
    return look_count


@pytest.mark.parametrize(
    ("due_counts", "batch", "wake_count", "expected"),
    [
        pytest.param((), 1, 0, 1, id="nothing to do"),
        pytest.param((), 1, 3, 4, id="woken three times"),
        pytest.param((20, 20, 3), 20, 0, 3, id="full batches are followed by a look, the last one is not"),
        pytest.param((2, 1), 1, 0, 3, id="without a size every batch is full"),
    ],
)
async def test_a_worker_looks_no_more_than_it_must(
    due_counts: tuple[int, ...], batch: int, wake_count: int, expected: int
) -> None:
    assert await looks(Table(*due_counts), batch, wake_count=wake_count) == expected


async def test_a_worker_looks_by_itself_twice_a_second() -> None:
    assert await looks(Table(), 1, for_s=0.8) == 2

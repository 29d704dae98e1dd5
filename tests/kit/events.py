"""Small parts of tests about events: making one, recording it, running what delivers it, waiting for what follows."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from common.clock import SystemClock
from common.events import Event, Outbox, Transactions, new_event


class Runs(Protocol):
    async def run(self) -> None: ...

    def stop(self) -> None: ...


def event_of(event_type: str, aggregate_id: str = "ord_1", version: int = 1, **payload: Any) -> Event:
    return new_event(
        event_type,
        aggregate_id=aggregate_id,
        aggregate_version=version,
        payload=payload,
        source="tests",
        clock=SystemClock(),
    )


async def record(database: Transactions, outbox: Outbox, *events: Event) -> None:
    """All in one transaction."""
    async with database.transaction() as connection:
        await outbox.add(connection, *events)


@asynccontextmanager
async def running(*parts: Runs) -> AsyncIterator[None]:
    """Runs relays and consumers meanwhile and stops them in the order given."""
    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(part.run())
        yield
        for part in parts:
            part.stop()


async def eventually(condition: Callable[[], bool | Awaitable[bool]], *, within_s: float = 60.0) -> None:
    """Until the condition holds; raises TimeoutError if it does not come to that."""
    async with asyncio.timeout(within_s):
        while True:
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            await asyncio.sleep(0.01)

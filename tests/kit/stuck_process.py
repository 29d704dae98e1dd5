"""A process that gets stuck at the worst moment, to be killed there.

`python -m tests.kit.stuck_process ROLE DATABASE_URL NATS_URL NAME`, the role being

    relay      after JetStream has acknowledged the events, before they are marked as published
    consumer   after the effect is committed, before the delivery is acknowledged
    handler    before the effect is committed

Prints `stuck` when it is there.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from common.clock import SystemClock
from common.errors import UnavailableError
from common.events import Bus, Consumer, ConsumerRunner, Event, Outbox, Relay, SqlConnection
from tests.kit.event_database import EventDatabase, note_effect, open_event_database

ACK_WAIT_S = 1.0
#: so long that nothing a test waits for comes of it
LONG_ACK_WAIT_S = 3600.0


async def get_stuck() -> None:
    print("stuck", flush=True)
    await asyncio.Event().wait()


async def handle_and_get_stuck(_: SqlConnection, __: Event) -> None:
    await get_stuck()


class StuckBus(Bus):
    async def publish_all(self, events: Sequence[Event], *, timeout_s: float) -> list[UnavailableError | None]:
        await super().publish_all(events, timeout_s=timeout_s)
        await get_stuck()
        raise AssertionError("unreachable")


class StuckDatabase:
    def __init__(self, database: EventDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlConnection]:
        async with self._database.transaction() as connection:
            yield connection
        if await self._database.has("effect", 1):
            await get_stuck()


async def main(role: str, database_url: str, nats_url: str, name: str) -> None:
    clock = SystemClock()
    async with open_event_database(database_url, create_tables=False) as database:
        if role == "relay":
            await Relay(Outbox(), database, await StuckBus.connect(nats_url, name=name), clock=clock).run()
        elif role == "handler":
            consumer = Consumer(f"{name}-notes", (f"{name}.order.*",), handle_and_get_stuck)
            bus = await Bus.connect(nats_url, name=name)
            await ConsumerRunner(consumer, bus, database, clock=clock, ack_wait_s=LONG_ACK_WAIT_S).run()
        else:
            consumer = Consumer(f"{name}-notes", (f"{name}.order.*",), note_effect)
            bus = await Bus.connect(nats_url, name=name)
            await ConsumerRunner(consumer, bus, StuckDatabase(database), clock=clock, ack_wait_s=ACK_WAIT_S).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

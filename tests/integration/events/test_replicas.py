"""Several replicas of a relay and of a consumer: the order of each aggregate holds, and none is lost."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from common.clock import SystemClock
from common.errors import UnavailableError
from common.events import Bus, Consumer, ConsumerRunner, Event, Outbox, Relay, SqlConnection
from tests.kit.event_database import EventDatabase
from tests.kit.events import event_of, eventually, record, running

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()
AGGREGATES = [f"ord_{number:02}" for number in range(60)]


async def test_replicas_keep_the_order_of_each_aggregate_when_one_is_killed_and_one_was_only_thought_dead(
    database: EventDatabase, bus: Bus, domain: str, database_url: str, nats_url: str
) -> None:
    async def publish(versions: Iterable[int]) -> None:
        for version in versions:
            events = [event_of(f"{domain}.order.changed", aggregate, version) for aggregate in AGGREGATES]
            assert not any(await bus.publish_all(events, timeout_s=30))

    async with AsyncExitStack() as processes:

        async def start() -> Process:
            process = await processes.enter_async_context(_replica(database_url, nats_url, domain))
            await _says(process, "ready")
            return process

        first = await start()
        await publish(range(1, 6))
        await _says(first, "handling")
        second = await start()
        first.kill()
        await publish(range(6, 11))
        await _says(second, "handling")
        third = await start()
        second.send_signal(signal.SIGSTOP)
        await publish(range(11, 16))
        await _says(third, "handling")
        second.send_signal(signal.SIGCONT)
        await publish(range(16, 21))
        third.terminate()
        assert await third.wait() == 0
        await publish(range(21, 26))
        await eventually(lambda: database.has("effect", 25 * len(AGGREGATES)), within_s=120)
    notes = [row["note"] for row in await database.fetch("SELECT note FROM effect ORDER BY note")]
    assert notes == sorted(
        f"{aggregate} {version} after {version - 1}" for aggregate in AGGREGATES for version in range(1, 26)
    )
    assert await database.count("inbox") == len(notes)
    assert await database.count("dead_letter") == 0


class _FlakyBus(Bus):
    """Every third event or so is not stored, wherever it stands among the others."""

    async def publish_all(self, events: Sequence[Event], *, timeout_s: float) -> list[UnavailableError | None]:
        is_lost = [random.random() < 0.3 for _ in events]  # noqa: S311
        sent = [event for event, lost in zip(events, is_lost, strict=True) if not lost]
        errors = iter(await super().publish_all(sent, timeout_s=timeout_s))
        return [UnavailableError("not stored") if lost else next(errors) for lost in is_lost]


async def test_relays_keep_the_order_of_each_aggregate_though_events_among_others_are_not_stored(
    database: EventDatabase, bus: Bus, domain: str, nats_url: str
) -> None:
    handled: dict[str, list[int]] = {}

    async def handle(_: SqlConnection, event: Event) -> None:
        handled.setdefault(event.aggregate_id, []).append(event.aggregate_version)

    flaky_buses = [await _FlakyBus.connect(nats_url, name="flaky") for _ in range(2)]
    relays = [Relay(Outbox(), database, flaky, clock=CLOCK) for flaky in flaky_buses]
    for version in range(1, 6):
        await record(
            database, Outbox(), *(event_of(f"{domain}.order.changed", f"ord_{order}", version) for order in range(8))
        )
    consumer = Consumer(f"{domain}-state", (f"{domain}.order.*",), handle)
    async with running(*relays, ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await eventually(lambda: sum(map(len, handled.values())) == 40, within_s=60)
    assert handled == {f"ord_{order}": [1, 2, 3, 4, 5] for order in range(8)}
    for flaky in flaky_buses:
        await flaky.close()


@asynccontextmanager
async def _replica(database_url: str, nats_url: str, domain: str) -> AsyncIterator[Process]:
    """Killed at the end, if it is still there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.replica_process", database_url, nats_url, domain, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _says(process: Process, line: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert (await process.stdout.readline()).decode().strip() == line

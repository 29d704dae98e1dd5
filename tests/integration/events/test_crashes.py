"""Killed or cut off at the worst moments: every event has its effect, and has it once."""

import asyncio
import sys
from collections.abc import Iterator

import asyncpg
import pytest

from common.clock import SystemClock
from common.errors import UnavailableError
from common.events import Bus, Consumer, ConsumerRunner, Event, EventFeed, Outbox, Relay, RetryDelays, SqlConnection
from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from tests.kit.event_database import EventDatabase, note_effect, open_event_database
from tests.kit.events import event_of, eventually, record, running
from tests.kit.folders import open_folder
from tests.kit.stuck_process import ACK_WAIT_S, LONG_ACK_WAIT_S

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()


@pytest.fixture
def own_nats() -> Iterator[Nats]:
    """A server of this test's own, to be killed."""
    with open_folder() as folder:
        server = Nats(folder / "nats", durable=False)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server of this test's own, to be killed."""
    with open_folder() as folder:
        # not durable, a killed server forgets its last transactions
        server = Postgres(folder / "postgres", durable=True)
        server.start()
        yield server
        server.stop()


async def _kill_when_stuck(role: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.stuck_process", role, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while await process.stdout.readline() != b"stuck\n":
            assert process.returncode is None
    process.kill()
    await process.wait()


async def test_a_relay_killed_between_publishing_and_marking_causes_no_second_effect(
    database: EventDatabase, bus: Bus, domain: str, database_url: str, nats_url: str
) -> None:
    outbox = Outbox()
    await record(database, outbox, *(event_of(f"{domain}.order.placed", f"ord_{index}") for index in range(30)))
    await _kill_when_stuck("relay", database_url, nats_url, domain)
    assert await database.count("outbox", "published_at IS NULL") == 30
    # the server notices the lost session on its own time and frees its locks then
    relay = Relay(outbox, database, bus, clock=CLOCK)
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), note_effect)
    async with running(relay, ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await eventually(lambda: database.has("outbox", 30, "published_at IS NOT NULL"))
        await record(database, outbox, event_of(f"{domain}.order.placed", "ord_last"))
        await eventually(lambda: database.has("effect", 31))
    assert await database.count("effect") == 31


async def test_a_consumer_killed_between_effect_and_acknowledgement_has_it_once(
    database: EventDatabase, bus: Bus, domain: str, database_url: str, nats_url: str
) -> None:
    await bus.publish(event_of(f"{domain}.order.placed"))
    await _kill_when_stuck("consumer", database_url, nats_url, domain)
    assert await database.count("effect") == 1
    deliveries: list[Event] = []

    async def handle(connection: SqlConnection, event: Event) -> None:
        deliveries.append(event)
        await note_effect(connection, event)

    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.*",), handle)
    async with running(ConsumerRunner(consumer, bus, database, clock=CLOCK, ack_wait_s=ACK_WAIT_S)):
        await bus.publish(event_of(f"{domain}.order.paid", "ord_2"))
        await eventually(lambda: database.has("effect", 2))
        # the delivery of the killed process comes again, and is recognised
        await eventually(lambda: _is_acknowledged(bus, f"{domain}-notes"))
    assert [event.type for event in deliveries] == [f"{domain}.order.paid"]
    assert await database.count("effect") == 2


async def test_what_a_killed_process_held_is_handled_first_and_at_once_by_the_next(
    database: EventDatabase, bus: Bus, domain: str, database_url: str, nats_url: str
) -> None:
    for version in (1, 2):
        await bus.publish(event_of(f"{domain}.order.changed", "ord_1", version))
    await _kill_when_stuck("handler", database_url, nats_url, domain)
    for version in (3, 4):
        await bus.publish(event_of(f"{domain}.order.changed", "ord_1", version))
    versions: list[int] = []

    async def handle(_: SqlConnection, event: Event) -> None:
        versions.append(event.aggregate_version)

    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.*",), handle)
    # by itself the server would deliver the held ones again after an hour
    async with running(ConsumerRunner(consumer, bus, database, clock=CLOCK, ack_wait_s=LONG_ACK_WAIT_S)):
        await eventually(lambda: len(versions) == 4)
        await eventually(lambda: _is_acknowledged(bus, f"{domain}-notes"))
    assert versions == [1, 2, 3, 4]


async def test_killing_the_bus_delays_events_and_loses_none(
    database: EventDatabase, own_nats: Nats, domain: str
) -> None:
    bus = await Bus.connect(own_nats.url, name="tests")
    outbox = Outbox()
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), note_effect)
    relay = Relay(outbox, database, bus, clock=CLOCK)
    async with running(relay, ConsumerRunner(consumer, bus, database, clock=CLOCK, ack_wait_s=ACK_WAIT_S)):
        for start in range(0, 200, 20):
            events = (event_of(f"{domain}.order.placed", f"ord_{index}") for index in range(start, start + 20))
            await record(database, outbox, *events)
            if start == 100:
                own_nats.kill()
                own_nats.start()
            await asyncio.sleep(0.02)
        await eventually(lambda: database.has("effect", 200))
    await bus.close()
    assert await database.count("effect") == 200
    assert await database.count("outbox", "published_at IS NULL") == 0
    assert await database.count("dead_letter") == 0


async def test_killing_the_database_delays_events_and_loses_none(own_postgres: Postgres, bus: Bus, domain: str) -> None:
    # with two tries for each event an outage that counted as tries would end in dead letters
    two_tries = RetryDelays(base_s=0.01, cap_s=0.01, max_attempts=2)

    async def handle(connection: SqlConnection, event: Event) -> None:
        await asyncio.sleep(0.05)
        await note_effect(connection, event)

    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), handle, retry=two_tries)
    async with open_event_database(own_postgres.url, create_tables=True) as database:
        relay = Relay(Outbox(), database, bus, clock=CLOCK)
        async with running(relay, ConsumerRunner(consumer, bus, database, clock=CLOCK)):
            await record(
                database, Outbox(), *(event_of(f"{domain}.order.placed", f"ord_{index}") for index in range(50))
            )
            await eventually(lambda: database.has("effect", 1))
            own_postgres.kill()
            await asyncio.sleep(0.3)
            own_postgres.start()
            await eventually(lambda: _has_recovered(database))
            await eventually(lambda: database.has("effect", 50))
        assert await database.count("effect") == 50
        assert await database.count("dead_letter") == 0


async def test_pushing_goes_on_after_the_bus_was_killed(own_nats: Nats, domain: str) -> None:
    bus = await Bus.connect(own_nats.url, name="tests")
    async with EventFeed(bus, f"{domain}.>") as feed, feed.listen(lambda _: True) as events:
        await bus.publish(event_of(f"{domain}.order.placed"))
        assert (await anext(events)).type == f"{domain}.order.placed"
        own_nats.kill()
        own_nats.start()
        await eventually(lambda: _publishes(bus, event_of(f"{domain}.order.paid")))
        async with asyncio.timeout(60):
            assert (await anext(events)).type == f"{domain}.order.paid"
    await bus.close()


async def test_a_bus_that_comes_back_empty_gets_its_stream_and_consumers_again(
    database: EventDatabase, own_nats: Nats, domain: str
) -> None:
    bus = await Bus.connect(own_nats.url, name="tests")
    outbox = Outbox()
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), note_effect)
    relay = Relay(outbox, database, bus, clock=CLOCK)
    async with running(relay, ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await record(database, outbox, event_of(f"{domain}.order.placed", "ord_1"))
        await eventually(lambda: database.has("effect", 1))
        await bus.jetstream.delete_stream("PUNNET_EVENTS")
        await record(database, outbox, event_of(f"{domain}.order.placed", "ord_2"))
        await eventually(lambda: database.has("effect", 2))
    await bus.close()


async def test_a_consumer_that_is_stopped_gives_back_what_waits_at_once(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    has_begun = asyncio.Event()
    may_end = asyncio.Event()

    async def slow(connection: SqlConnection, event: Event) -> None:
        has_begun.set()
        await may_end.wait()
        await note_effect(connection, event)

    await bus.publish_all([event_of(f"{domain}.order.placed", f"ord_{index}") for index in range(20)], timeout_s=5)
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), slow, concurrency=2)
    stopping = ConsumerRunner(consumer, bus, database, clock=CLOCK, ack_wait_s=LONG_ACK_WAIT_S)
    async with running(stopping):
        await has_begun.wait()
        stopping.stop()
        may_end.set()
    done_count = await database.count("effect")
    assert 0 < done_count <= 2, "handlers at work end, no other begins"
    successor = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), note_effect)
    async with running(ConsumerRunner(successor, bus, database, clock=CLOCK, ack_wait_s=LONG_ACK_WAIT_S)):
        await eventually(lambda: database.has("effect", 20))
    assert await database.count("effect") == 20


async def _has_recovered(database: EventDatabase) -> bool:
    try:
        await database.fetch("SELECT 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def _publishes(bus: Bus, event: Event) -> bool:
    try:
        await bus.publish(event)
    except UnavailableError:
        return False
    return True


async def _is_acknowledged(bus: Bus, durable: str) -> bool:
    info = await bus.jetstream.consumer_info("PUNNET_EVENTS", durable)
    return (info.num_ack_pending, info.num_pending) == (0, 0)

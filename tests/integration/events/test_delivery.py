"""From a recorded change to one effect at the consumer, over real PostgreSQL and real NATS."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from common.clock import SystemClock
from common.errors import UnavailableError
from common.events import (
    Bus,
    Consumer,
    ConsumerRunner,
    DeadLetters,
    Event,
    Outbox,
    Relay,
    RetryDelays,
    SqlConnection,
    encode_event,
    new_event,
    republish_since,
)
from tests.kit.event_database import EventDatabase, note_effect
from tests.kit.events import event_of, eventually, record, running

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()
QUICK = RetryDelays(base_s=0.01, cap_s=0.05, max_attempts=3)


async def test_an_event_recorded_with_a_change_has_its_effect_once(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    outbox = Outbox()
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.*",), note_effect)
    relay = Relay(outbox, database, bus, clock=CLOCK)
    events = [event_of(f"{domain}.order.placed", f"ord_{index}", total="12.50") for index in range(250)]
    async with running(relay, ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await record(database, outbox, *events)
        await eventually(lambda: database.has("effect", 250))
    noted = await database.fetch("SELECT event_id FROM effect")
    assert {row["event_id"] for row in noted} == {event.event_id for event in events}
    assert len(noted) == await database.count("inbox") == 250
    assert await database.count("outbox", "published_at IS NULL") == 0


async def test_an_event_of_a_change_that_was_rolled_back_is_never_published(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    outbox = Outbox()

    async def change_my_mind() -> None:
        async with database.transaction() as connection:
            await outbox.add(connection, event_of(f"{domain}.order.placed"))
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_my_mind()
    assert await Relay(outbox, database, bus, clock=CLOCK).publish_batch() == 0


async def test_the_event_arrives_as_it_was_recorded(database: EventDatabase, bus: Bus, domain: str) -> None:
    received: list[Event] = []

    async def handle(_: SqlConnection, event: Event) -> None:
        received.append(event)

    outbox = Outbox()
    cause = event_of(f"{domain}.order.placed")
    event = new_event(
        f"{domain}.order.confirmed",
        aggregate_id="ord_01h455vb4pex5vsknk084sn02q",
        aggregate_version=7,
        payload={"total_minor": 1250, "lines": [{"name": "Erdbeeren, 2 × 500 g"}], "note": None},
        source="tests",
        clock=CLOCK,
        user_id="usr_1",
        cause=cause,
        headers={"tenant": "a"},
    )
    consumer = Consumer(f"{domain}-all", (f"{domain}.>",), handle)
    async with running(Relay(outbox, database, bus, clock=CLOCK), ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await record(database, outbox, event)
        await eventually(lambda: bool(received))
    assert received == [event]
    assert event.metadata.correlation_id == str(cause.event_id)


async def test_publishing_again_has_no_second_effect(database: EventDatabase, bus: Bus, domain: str) -> None:
    outbox = Outbox()
    relay = Relay(outbox, database, bus, clock=CLOCK)
    event = event_of(f"{domain}.order.placed")
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), note_effect)
    async with running(ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await record(database, outbox, event)
        assert await relay.publish_batch() == 1
        async with database.transaction() as connection:
            assert await republish_since(connection, event.occurred_at) == 1
        assert await relay.publish_batch() == 1
        # past the stream's own memory of duplicates: the same event under another message id
        await bus.jetstream.publish(event.subject, encode_event(event), headers={"Nats-Msg-Id": f"{domain}-again"})
        await bus.publish(event_of(f"{domain}.order.placed", "ord_2"))
        await eventually(lambda: database.has("effect", 2))
    assert await database.count("effect", f"event_id = '{event.event_id}'") == 1


async def test_a_handler_that_fails_at_first_is_tried_again(database: EventDatabase, bus: Bus, domain: str) -> None:
    tries: list[UUID] = []

    async def handle(connection: SqlConnection, event: Event) -> None:
        tries.append(event.event_id)
        await note_effect(connection, event)
        if len(tries) < 3:
            raise ConnectionError("the other side is away")

    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), handle, retry=QUICK)
    async with running(ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await bus.publish(event_of(f"{domain}.order.placed"))
        await eventually(lambda: database.has("effect", 1))
    assert len(tries) == 3
    assert await database.count("effect") == 1, "effects of failed tries are rolled back"
    assert await database.count("dead_letter") == 0


async def test_a_poison_event_becomes_a_dead_letter_parks_its_aggregate_only_and_can_be_replayed(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    is_cured = False
    others_are_done = asyncio.Event()
    seen: list[tuple[str, int]] = []

    async def handle(connection: SqlConnection, event: Event) -> None:
        seen.append((event.aggregate_id, event.aggregate_version))
        if event.payload.get("poison") and not is_cured:
            if seen.count((event.aggregate_id, event.aggregate_version)) == 3:
                await others_are_done.wait()
            raise ValueError("cannot digest this")
        await note_effect(connection, event)

    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), handle, retry=RetryDelays(0.01, 0.01, 3))
    kind = f"{domain}.order.placed"
    poison = event_of(kind, "ord_bad", 1, poison=True)
    letters = DeadLetters(CLOCK)
    async with running(ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await bus.publish(poison)
        await bus.publish(event_of(kind, "ord_bad", 2))
        for index in range(20):
            await bus.publish(event_of(kind, f"ord_{index}"))
        await eventually(lambda: database.has("effect", 20))
        assert await database.count("dead_letter") == 0, "the others did not wait for the poison event's last try"
        others_are_done.set()
        await eventually(lambda: database.has("effect", 21))
        assert [version for aggregate, version in seen if aggregate == "ord_bad"] == [1, 1, 1, 2]
        (letter,) = await letters.list(database)
        assert (letter.event_id, letter.attempts, letter.state) == (poison.event_id, 3, "DEAD")
        assert "cannot digest this" in letter.error

        assert await letters.replay(database, letter.id)
        await eventually(lambda: database.has("dead_letter", 1, "state = 'DEAD' AND attempts = 4"))
        is_cured = True
        assert await letters.replay(database, letter.id)
        await eventually(lambda: database.has("dead_letter", 1, "state = 'RESOLVED'"))
        assert not await letters.replay(database, letter.id), "a resolved one is not replayed"
    assert await database.count("effect") == 22


async def test_bytes_that_are_no_event_become_a_dead_letter_at_once(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), note_effect)
    async with running(ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        await bus.jetstream.publish(f"events.{domain}.order.placed.ord_1", b'{"event_id": "\x00\xff')
        await eventually(lambda: database.has("dead_letter", 1, "event_id IS NULL"))
    assert await database.count("effect") == 0


async def test_events_of_one_aggregate_are_handled_in_the_order_they_were_recorded(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    handled: dict[str, list[int]] = {}

    async def handle(_: SqlConnection, event: Event) -> None:
        await asyncio.sleep(0.001)
        handled.setdefault(event.aggregate_id, []).append(event.aggregate_version)

    outbox = Outbox()
    consumer = Consumer(f"{domain}-state", (f"{domain}.order.*",), handle, concurrency=16)
    relays = [Relay(outbox, database, bus, clock=CLOCK) for _ in range(3)]
    async with running(*relays, ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        for version in range(1, 41):
            await record(
                database,
                outbox,
                *(event_of(f"{domain}.order.changed", f"ord_{order}", version) for order in range(10)),
            )
        await eventually(lambda: sum(map(len, handled.values())) == 400)
    assert handled == {f"ord_{order}": list(range(1, 41)) for order in range(10)}


class _SlowBus(Bus):
    """Publishes when it is told to."""

    may_publish: asyncio.Event

    async def publish_all(self, events: Sequence[Event], *, timeout_s: float) -> list[UnavailableError | None]:
        await self.may_publish.wait()
        return await super().publish_all(events, timeout_s=timeout_s)


async def test_a_relay_does_not_overtake_another_one(
    database: EventDatabase, bus: Bus, domain: str, nats_url: str
) -> None:
    slow_bus = await _SlowBus.connect(nats_url, name="slow")
    slow_bus.may_publish = asyncio.Event()
    slow, quick = (Relay(Outbox(), database, each, clock=CLOCK) for each in (slow_bus, bus))
    await record(database, Outbox(), event_of(f"{domain}.order.placed"))
    publishing = asyncio.create_task(slow.publish_batch())
    held_here = "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    await eventually(lambda: database.has("pg_locks", 1, held_here))
    await record(database, Outbox(), event_of(f"{domain}.order.paid"))
    assert await quick.publish_batch() == 0
    slow_bus.may_publish.set()
    assert await publishing == 1
    assert await quick.publish_batch() == 1
    await slow_bus.close()


async def test_an_event_reaches_the_consumer_at_once_though_the_relay_looks_by_itself_once_an_hour(
    database: EventDatabase, bus: Bus, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.events.relay.IDLE_PAUSE_S", 3600.0)
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def handle(_: SqlConnection, event: Event) -> None:
        arrived.put_nowait(event.aggregate_id)

    outbox = Outbox()
    consumer = Consumer(f"{domain}-notes", (f"{domain}.order.placed",), handle)
    async with running(Relay(outbox, database, bus, clock=CLOCK), ConsumerRunner(consumer, bus, database, clock=CLOCK)):
        for order_id in ("ord_1", "ord_2", "ord_3"):
            await record(database, outbox, event_of(f"{domain}.order.placed", order_id))
            async with asyncio.timeout(60):
                assert await arrived.get() == order_id

"""Effects that are one statement with their inbox row: once, like those in a transaction of several."""

import asyncio
from typing import Any

import pytest

from common.clock import SystemClock
from common.events import (
    CLAIM_PLACEHOLDERS,
    Bus,
    Consumer,
    ConsumerRunner,
    DeadLetters,
    Event,
    OneStatement,
    Outbox,
    Relay,
    RetryDelays,
    claim_clause,
    claim_values,
    record_clause,
    record_values,
)
from tests.kit.event_database import EventDatabase
from tests.kit.events import event_of, eventually, record, running

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()

EFFECT = f"""
WITH {claim_clause(1)}, noted AS (
    INSERT INTO effect (event_id, note) SELECT event_id, $6 FROM claimed RETURNING id
), {record_clause(CLAIM_PLACEHOLDERS + 2, only_if="noted", extra="(SELECT jsonb_build_object('note', id) FROM noted)")}
SELECT id FROM noted
"""  # noqa: S608 - of this test


def consumer_of(database: EventDatabase, domain: str, outbox: Outbox, **more: Any) -> Consumer:
    name = f"{domain}-notes"

    async def have(event: Event) -> bool:
        if event.payload.get("is_poison"):
            raise ValueError("poison")
        answer = event_of(f"{domain}.note.taken", event.aggregate_id)
        async with database.transaction() as connection:
            rows = await connection.execute_query_dict(
                EFFECT, [*claim_values(name, event, CLOCK), event.type, *record_values(answer)]
            )
            outbox.wake()
        return bool(rows)

    return Consumer(name, (f"{domain}.order.*",), OneStatement(have), **more)


async def test_an_event_delivered_many_times_has_its_effect_and_its_answer_once(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    outbox = Outbox()
    events = [event_of(f"{domain}.order.placed", f"ord_{index}") for index in range(50)]
    runners = [ConsumerRunner(consumer_of(database, domain, outbox), bus, database, clock=CLOCK) for _ in range(2)]
    async with running(Relay(outbox, database, bus, clock=CLOCK), *runners):
        await record(database, outbox, *events)
        await eventually(lambda: database.has("effect", 50))
        # past the bus's own duplicate check: another message with the same event in it
        handling = runners[0]._handling
        assert await asyncio.gather(*(handling.attempt(event) for event in events)) == [None] * 50
        await eventually(lambda: database.has("outbox", 100, "published_at IS NOT NULL"))
    assert await database.count("effect") == await database.count("inbox") == 50
    assert await database.count("outbox", f"type = '{domain}.note.taken' AND payload ? 'note'") == 50


async def test_a_dead_letter_of_such_a_consumer_is_replayed_once(
    database: EventDatabase, bus: Bus, domain: str
) -> None:
    outbox = Outbox()
    quick = RetryDelays(base_s=0.01, cap_s=0.02, max_attempts=3)
    poison = event_of(f"{domain}.order.placed", is_poison=True)
    letters = DeadLetters(CLOCK)
    async with running(ConsumerRunner(consumer_of(database, domain, outbox, retry=quick), bus, database, clock=CLOCK)):
        await bus.publish(poison)
        await eventually(lambda: database.has("dead_letter", 1, "state = 'DEAD' AND attempts = 3"))
        assert await database.count("inbox") == 0
        (letter,) = await letters.list(database)
        # whatever was wrong with it has been put right
        await database.fetch("UPDATE dead_letter SET event = replace(event, 'is_poison', 'was_poison')")
        assert await letters.replay(database, letter.id)
        await eventually(lambda: database.has("dead_letter", 1, "state = 'RESOLVED'"))
    assert await database.count("effect") == await database.count("inbox") == 1


async def test_a_worker_is_woken_by_the_commit_and_not_before_and_never_by_a_rollback(
    database: EventDatabase, domain: str
) -> None:
    outbox = Outbox()
    async with database.transaction() as connection:
        await outbox.add(connection, event_of(f"{domain}.order.placed"))
        async with database.transaction():  # a savepoint is part of it
            outbox.wake()
        assert not await outbox.wait(0.01)
    assert await outbox.wait(0.01)

    async def change_my_mind() -> None:
        async with database.transaction() as connection:
            await outbox.add(connection, event_of(f"{domain}.order.placed"))
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_my_mind()
    assert not await outbox.wait(0.01)

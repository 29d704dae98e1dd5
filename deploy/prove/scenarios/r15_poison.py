"""R15: one event of a thousand cannot be handled: the others do not wait for it, it ends as a dead letter, and can be
replayed once its cause is mended."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson

from common.ids import format_id, uuid7
from deploy.prove.scenario import Arena, Scenario, require

PER_SECOND = 100
#: eight tries, 1 s doubling, jittered
DEAD_AFTER_S = 300.0

_BREAK = """
CREATE FUNCTION prove_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.order_id = '{order_id}' THEN RAISE EXCEPTION 'poison'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER prove_poison BEFORE INSERT ON notification FOR EACH ROW EXECUTE FUNCTION prove_poison();
"""
_MEND = "DROP TRIGGER prove_poison ON notification; DROP FUNCTION prove_poison();"
_INSERT = """
INSERT INTO outbox (event_id, type, aggregate_id, aggregate_version, payload, metadata, occurred_at)
VALUES ($1, 'orders.order.confirmed', $2, 3, $3::jsonb, $4::jsonb, now())
"""
_HAD = """
SELECT event_id, received_at FROM inbox WHERE consumer = $1
"""
_LETTERS = "SELECT id, event_id, attempts, state FROM dead_letter"
_REPLAY = "mutation Replay($ids: [ID!]!) { deadLetterReplay(ids: $ids) { id eventId attempts } }"
_SHOW = "query { deadLetters(first: 10) { id eventId consumer attempts } }"


async def run(arena: Arena) -> str:
    count = arena.number(1_000, least=20)
    order_ids = [uuid7() for _ in range(count)]
    event_ids = [uuid7() for _ in range(count)]
    poisoned = count // 2
    notifications = await asyncpg.connect(arena.shop.database_url("notifications"))
    orders = await asyncpg.connect(arena.shop.database_url("orders"))
    try:
        await notifications.execute(_BREAK.format(order_id=order_ids[poisoned]))
        sent_at: dict[UUID, datetime] = {}
        for number, (event_id, order_id) in enumerate(zip(event_ids, order_ids, strict=True)):
            sent_at[event_id] = datetime.now(UTC)
            await record(orders, event_id, order_id)
            if number % 10 == 9:
                await asyncio.sleep(10 / PER_SECOND)
        consumer = await consumer_of(arena)
        letter = await wait_for_letter(arena)
        require(letter["event_id"] == event_ids[poisoned], f"another event died: {letter}")
        require(letter["attempts"] == 8, f"dead after {letter['attempts']} tries")
        had = {row["event_id"]: row["received_at"] for row in await arena.evidence.notifications.ask(_HAD, consumer)}
        others = [event_id for event_id in event_ids if event_id != event_ids[poisoned]]
        missing = [event_id for event_id in others if event_id not in had]
        require(not missing, f"{len(missing)} of the others were not handled")
        lags = sorted((had[event_id] - sent_at[event_id]).total_seconds() for event_id in others)
        p99 = lags[int(len(lags) * 0.99)]
        require(p99 < 1.0, f"the others lagged: p99 {p99:.2f} s")
        await notifications.execute(_MEND)
        await replay(arena)
    finally:
        await notifications.close()
        await orders.close()
    return f"{len(others)} handled, lag p99 {p99 * 1000:.0f} ms; 1 dead letter after 8 tries, replayed once mended"


async def record(orders: asyncpg.Connection, event_id: UUID, order_id: UUID) -> None:
    payload = {
        "order_id": format_id("ord", order_id),
        "number": "PN-000-000-000",
        "customer_id": format_id("usr", uuid7()),
        "status": "CONFIRMED",
        "total_minor": 1000,
        "currency": "USD",
        "version": 3,
        "cancel_reason": None,
    }
    metadata: dict[str, object] = {
        "correlation_id": str(event_id),
        "causation_id": None,
        "user_id": None,
        "trace_id": "",
        "span_id": "",
        "traceparent": None,
        "source": "orders",
        "version": "1",
        "headers": {},
    }
    texts = [orjson.dumps(part).decode() for part in (payload, metadata)]
    await orders.execute(_INSERT, event_id, format_id("ord", order_id), *texts)


async def consumer_of(arena: Arena) -> str:
    """The durable name under which notifications hears of orders."""
    rows = await arena.evidence.notifications.ask("SELECT consumer FROM inbox GROUP BY consumer ORDER BY count(*) DESC")
    return str(rows[0]["consumer"])


async def wait_for_letter(arena: Arena) -> dict[str, object]:
    deadline = time.monotonic() + DEAD_AFTER_S
    while time.monotonic() < deadline:
        rows = await arena.evidence.notifications.ask(_LETTERS)
        if rows:
            require(len(rows) == 1, f"{len(rows)} dead letters")
            return dict(rows[0])
        await asyncio.sleep(1)
    raise AssertionError(f"no dead letter after {DEAD_AFTER_S:g} s")


async def replay(arena: Arena) -> None:
    """As an administrator does it."""
    async with arena.market(1) as market:
        (letter,) = (await market.crowd.ask(_SHOW, {}, market.staff))["deadLetters"]
        await market.crowd.ask(_REPLAY, {"ids": [letter["id"]]}, market.staff)
    deadline = time.monotonic() + 30
    while (await arena.evidence.notifications.ask(_LETTERS))[0]["state"] != "RESOLVED":
        require(time.monotonic() < deadline, "the replayed letter is not resolved")
        await asyncio.sleep(0.2)


SCENARIO = Scenario("R15", "Poison event", "1 of 1,000 events always fails", run, rest_timeout_s=120)

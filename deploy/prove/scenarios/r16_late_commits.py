"""R16: events whose transactions commit in another order than they took their numbers: none is skipped."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import asyncpg
import nats
import orjson
from nats.js.api import ConsumerConfig, DeliverPolicy

from common.events.bus import STREAM
from common.ids import new_id, uuid7
from deploy.prove.scenario import Arena, Scenario, require

WRITERS = 20
SLOW_SHARE = 0.1
SUBJECT = "events.prove.probe.recorded.>"
_INSERT = """
INSERT INTO outbox (event_id, type, aggregate_id, aggregate_version, payload, metadata, occurred_at)
VALUES ($1, 'prove.probe.recorded', $2, 1, '{}', $3::jsonb, now())
"""
_METADATA = orjson.dumps(
    {
        "correlation_id": "prove",
        "causation_id": None,
        "user_id": None,
        "trace_id": "",
        "span_id": "",
        "traceparent": None,
        "source": "prove",
        "version": "1",
        "headers": {},
    }
).decode()
_WAITING = "SELECT count(*) AS n FROM outbox WHERE published_at IS NULL"


async def run(arena: Arena) -> str:
    count = arena.number(8_000)
    written: list[UUID] = []
    todo = [arena.random.random() < SLOW_SHARE for _ in range(count)]

    async def writer() -> None:
        connection = await asyncpg.connect(arena.shop.database_url("products"))
        try:
            while todo:
                is_slow, event_id = todo.pop(), uuid7()
                async with connection.transaction():
                    await connection.execute(_INSERT, event_id, new_id("probe"), _METADATA)
                    if is_slow:
                        await asyncio.sleep(arena.random.uniform(0.05, 0.5))
                written.append(event_id)
        finally:
            await connection.close()

    began = time.monotonic()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    took_s = time.monotonic() - began
    deadline = time.monotonic() + 60
    while int((await arena.evidence.products.ask(_WAITING))[0]["n"]):
        require(time.monotonic() < deadline, "events are still in the outbox after 60 s")
        await asyncio.sleep(0.2)
    received = await in_stream(arena)
    lost = set(written) - set(received)
    require(not lost, f"{len(lost)} of {count} events are not in the stream")
    require(len(received) == len(set(received)) == count, f"{len(received)} messages for {count} events")
    return f"{count} events written in {took_s:.1f} s, {len(received)} in the stream, 0 lost, 0 twice"


async def in_stream(arena: Arena) -> list[UUID]:
    client = await nats.connect(arena.shop.servers.nats_url)
    try:
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=None, inactive_threshold=60)
        subscription = await client.jetstream().pull_subscribe(SUBJECT, stream=STREAM, config=config)
        found: list[UUID] = []
        while True:
            try:
                messages = await subscription.fetch(500, timeout=2)
            except TimeoutError:
                return found
            for message in messages:
                found.append(UUID((message.headers or {})["Nats-Msg-Id"]))
                await message.ack()
    finally:
        await client.close()


SCENARIO = Scenario("R16", "Commits out of order", "8,000 events, 20 writers, 10 % of the transactions slow", run)

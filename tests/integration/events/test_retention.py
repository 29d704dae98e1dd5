"""Old rows go, rows that are still needed stay."""

from datetime import timedelta
from uuid import uuid4

import pytest

from common.clock import SystemClock
from common.events import Outbox, Retention
from tests.kit.event_database import EventDatabase
from tests.kit.events import event_of, record

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()


async def test_a_sweep_deletes_what_is_done_and_old_and_nothing_else(database: EventDatabase) -> None:
    now = CLOCK.now()
    await record(database, Outbox(), *(event_of("a.b.c", f"ord_{index}") for index in range(2503)))
    await database.fetch("UPDATE outbox SET published_at = $1 WHERE seq > 3", now - timedelta(hours=25))
    await database.fetch("UPDATE outbox SET published_at = $1 WHERE seq = 2", now - timedelta(hours=23))
    for age_days in (13, 15):
        await database.fetch(
            "INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, received_at)"
            " VALUES ('c', $1, 'a', 1, $2)",
            uuid4(),
            now - timedelta(days=age_days),
        )
    for state in ("DEAD", "RESOLVED"):
        await database.fetch(
            "INSERT INTO dead_letter"
            " (id, consumer, subject, event, error, trace_id, attempts, state, created_at, updated_at)"
            " VALUES ($1, 'c', 's', '{}', 'e', '', 8, $2, $3, $3)",
            uuid4(),
            state,
            now - timedelta(days=100),
        )
    deleted = await Retention(database, clock=CLOCK).sweep()
    assert deleted == {"outbox": 2500, "inbox": 1, "dead_letter": 1}
    assert await database.count("outbox", "published_at IS NULL") == 2
    assert await database.count("inbox", f"received_at > '{now - timedelta(days=14)}'") == 1
    assert await database.count("dead_letter", "state = 'DEAD'") == 1

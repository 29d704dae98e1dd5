"""The age of the oldest event that waits is in `/metrics`, whether the relay moves or not."""

import pytest
from prometheus_client import CollectorRegistry

from common.events import EventMetrics, Outbox, OutboxWatch
from common.telemetry import Metrics
from tests.kit.clock import FrozenClock
from tests.kit.event_database import EventDatabase
from tests.kit.events import event_of, record

pytestmark = pytest.mark.anyio


async def test_the_age_grows_while_nothing_is_published_and_ends_with_the_publication(database: EventDatabase) -> None:
    registry = CollectorRegistry()
    clock = FrozenClock()
    watch = OutboxWatch(database, clock=clock, metrics=EventMetrics(Metrics(registry), "orders"))

    def age_s() -> float | None:
        return registry.get_sample_value("punnet_outbox_oldest_seconds", {"service": "orders"})

    await watch.look()
    assert age_s() == 0
    await record(database, Outbox(), event_of("a.b.c", "ord_1"), event_of("a.b.c", "ord_2"))
    await database.fetch("UPDATE outbox SET occurred_at = $1::timestamptz - seq * interval '1 second'", clock.now())
    await watch.look()
    assert age_s() == 1
    clock.advance(60)
    assert age_s() == 61
    await database.fetch("UPDATE outbox SET published_at = $1 WHERE seq = 1", clock.now())
    await watch.look()
    assert age_s() == 62
    await database.fetch("UPDATE outbox SET published_at = $1", clock.now())
    await watch.look()
    assert age_s() == 0

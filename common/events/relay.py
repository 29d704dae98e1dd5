"""Outbox -> bus: reads what is not published yet, publishes, marks it, all in one short transaction.

A crash between publishing and marking publishes again: JetStream drops the copy by its id for ten minutes, the inbox
for good. Nothing is skipped: rows are found by `published_at IS NULL`, not by a cursor, since `seq` is not the order
of commits.

Order: events of one aggregate leave in the order of their `seq` as long as no publish fails. Only one relay of a
database works at a time (an advisory lock for the transaction), so replicas do not overtake each other. After a
failure a later event may be ahead of an earlier one; consumers that mind compare `aggregate_version`
(`Consumer.latest_only`).
"""

import asyncio
import random
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from common.clock import Clock
from common.events.bus import Bus
from common.events.event import Event, EventMetadata
from common.events.metrics import EventMetrics
from common.events.outbox import Outbox
from common.events.sql import SqlConnection, Transactions

BATCH_SIZE = 100
#: pauses between looks: after a wake-up, growing by half to the one when nothing happens
BUSY_PAUSE_S = 0.005
IDLE_PAUSE_S = 0.5
PUBLISH_TIMEOUT_S = 5.0
_MAX_PAUSE_AFTER_ERROR_S = 2.0

# hashtextextended of the table's oid: schemas of one database do not share the lock
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('outbox relay', 'outbox'::regclass::oid::bigint)) AS locked"
_UNPUBLISHED = """
SELECT seq, event_id, type, aggregate_id, aggregate_version, occurred_at,
    payload::text AS payload, metadata::text AS metadata
FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_MARK = "UPDATE outbox SET published_at = $2 WHERE seq = ANY($1::bigint[])"
_REPUBLISH = """
WITH again AS (UPDATE outbox SET published_at = NULL WHERE published_at IS NOT NULL AND occurred_at >= $1 RETURNING seq)
SELECT count(*) AS count FROM again
"""

_log = structlog.get_logger(__name__)


class Relay:
    """One per subgraph and process; replicas take turns."""

    def __init__(
        self, outbox: Outbox, database: Transactions, bus: Bus, *, clock: Clock, metrics: EventMetrics | None = None
    ) -> None:
        self._outbox = outbox
        self._database = database
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._is_stopping = False

    def stop(self) -> None:
        """`run` finishes the batch in hand and returns."""
        self._is_stopping = True
        self._outbox.wake()

    async def run(self) -> None:
        """Until `stop`. Errors of the database or the bus are logged and waited out."""
        pause_s = BUSY_PAUSE_S
        failures = 0
        while not self._is_stopping:
            try:
                published_count = await self.publish_batch()
            except asyncio.CancelledError:
                raise
            except Exception as exc:  # a border: whatever goes wrong must not end the relay
                failures += 1
                pause_s = min(_MAX_PAUSE_AFTER_ERROR_S, 0.1 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1)  # noqa: S311  # jitter
                _log.warning(
                    "the outbox cannot be relayed at the moment", error=repr(exc), retry_in_s=round(pause_s, 2)
                )
                await asyncio.sleep(pause_s)
                continue
            failures = 0
            if published_count == BATCH_SIZE:
                continue
            if published_count or await self._outbox.wait(pause_s):
                pause_s = BUSY_PAUSE_S
                await asyncio.sleep(pause_s)
            else:
                pause_s = min(pause_s * 1.5, IDLE_PAUSE_S)

    async def publish_batch(self) -> int:
        """Publishes at most `BATCH_SIZE` events; how many. 0 also when another relay is at work.

        Raises what database and bus raise; events acknowledged before are marked nevertheless.
        """
        async with self._database.transaction() as connection:
            locked = await connection.execute_query_dict(_LOCK)
            if not locked[0]["locked"]:
                return 0
            rows = await connection.execute_query_dict(_UNPUBLISHED, [BATCH_SIZE])
            if not rows:
                return 0
            outcomes = await self._bus.publish_all([_event_of(row) for row in rows], timeout_s=PUBLISH_TIMEOUT_S)
            published = [row["seq"] for row, error in zip(rows, outcomes, strict=True) if error is None]
            await connection.execute_query_dict(_MARK, [published, self._clock.now()])
        self._observe(rows, published)
        if errors := [error for error in outcomes if error is not None]:
            raise errors[0]
        return len(published)

    def _observe(self, rows: list[dict[str, Any]], published: list[int]) -> None:
        if self._metrics is None:
            return
        self._metrics.published(len(published))
        if published:
            oldest: datetime = rows[0]["occurred_at"]
            self._metrics.relay_lag((self._clock.now() - oldest).total_seconds())


async def republish_since(connection: SqlConnection, since: datetime) -> int:
    """Has the relay publish everything recorded since then once more, e.g. after the stream was lost; how many events.

    Consumers drop what they have had. Reaches back as far as published rows are kept (`Retention`).
    """
    rows = await connection.execute_query_dict(_REPUBLISH, [since])
    count: int = rows[0]["count"]
    return count


def _event_of(row: dict[str, Any]) -> Event:
    return Event(
        # asyncpg's own UUID class is one that orjson does not know
        event_id=UUID(int=row["event_id"].int),
        type=row["type"],
        aggregate_id=row["aggregate_id"],
        aggregate_version=row["aggregate_version"],
        payload=msgspec.json.decode(row["payload"]),
        metadata=msgspec.json.decode(row["metadata"], type=EventMetadata),
        occurred_at=row["occurred_at"],
    )

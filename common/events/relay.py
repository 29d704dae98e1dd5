"""Outbox -> bus: takes what is not published yet, publishes it, and commits the mark: one statement per batch.

The mark is set before the events are published and committed after JetStream has stored them. A crash in between rolls
it back and publishes again: JetStream drops the copy by its id for ten minutes, the inbox for good. Nothing is skipped:
rows are found by `published_at IS NULL`, not by a cursor, since `seq` is not the order of commits.

Order: an event is sent when the one before it of its aggregate has been stored, so theirs is also the stream's order;
events of different aggregates go together. Only one relay of a database works at a time (an advisory lock for the
transaction). One that has lost its lock unnoticed sends what others have stored already, in the same order.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from common.clock import Clock
from common.errors import UnavailableError
from common.events.bus import Bus
from common.events.event import Event, EventMetadata
from common.events.metrics import EventMetrics
from common.events.outbox import Outbox
from common.events.sql import SqlConnection, Transactions
from common.failpoints import failpoint

BATCH_SIZE = 100
#: after a batch: what commits meanwhile becomes one batch too
BUSY_PAUSE_S = 0.005
#: between looks while nobody wakes us: what another process left behind waits at most so long
IDLE_PAUSE_S = 0.5
PUBLISH_TIMEOUT_S = 5.0
_MAX_PAUSE_AFTER_ERROR_S = 2.0

# hashtextextended of the table's oid: schemas of one database do not share the lock. FOR UPDATE looks again at a row
# that another relay has published between our snapshot and our turn.
_TAKE = """
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended('outbox relay', 'outbox'::regclass::oid::bigint)) AS is_ours
), due AS MATERIALIZED (
    SELECT seq FROM outbox WHERE published_at IS NULL AND (SELECT is_ours FROM turn)
    ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE outbox o SET published_at = $2 FROM due WHERE o.seq = due.seq
    RETURNING o.seq, o.event_id, o.type, o.aggregate_id, o.aggregate_version, o.occurred_at, o.payload::text AS payload,
        o.metadata::text AS metadata
)
SELECT turn.is_ours, marked.* FROM turn LEFT JOIN marked ON TRUE ORDER BY marked.seq
"""
_UNMARK = "UPDATE outbox SET published_at = NULL WHERE seq = ANY($1::bigint[])"
_REPUBLISH = """
WITH again AS (UPDATE outbox SET published_at = NULL WHERE published_at IS NOT NULL AND occurred_at >= $1 RETURNING seq)
SELECT count(*) AS count FROM again
"""

_log = structlog.get_logger(__name__)


class _LockedOutError(Exception):
    """Another relay is at work; it may not have seen what we were woken for."""


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
        failures = 0
        turn_pause_s = BUSY_PAUSE_S
        while not self._is_stopping:
            try:
                published_count = await self._publish_batch()
            except asyncio.CancelledError:
                raise
            except _LockedOutError:
                await self._outbox.wait(turn_pause_s)
                turn_pause_s = min(turn_pause_s * 1.5, IDLE_PAUSE_S)
                continue
            except Exception as exc:  # a border: whatever goes wrong must not end the relay
                failures += 1
                pause_s = min(_MAX_PAUSE_AFTER_ERROR_S, 0.1 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1)  # noqa: S311  # jitter
                _log.warning(
                    "the outbox cannot be relayed at the moment", error=repr(exc), retry_in_s=round(pause_s, 2)
                )
                await asyncio.sleep(pause_s)
                continue
            failures, turn_pause_s = 0, BUSY_PAUSE_S
            if published_count == BATCH_SIZE:
                continue
            if published_count:
                await asyncio.sleep(BUSY_PAUSE_S)
            await self._outbox.wait(IDLE_PAUSE_S)

    async def publish_batch(self) -> int:
        """Publishes at most `BATCH_SIZE` events; how many. 0 also when another relay is at work.

        Raises what database and bus raise; events acknowledged before are marked nevertheless.
        """
        try:
            return await self._publish_batch()
        except _LockedOutError:
            return 0

    async def _publish_batch(self) -> int:
        """Raises _LockedOutError, too."""
        if not self._bus.is_connected:
            raise UnavailableError("the bus is disconnected")
        async with self._database.transaction() as connection:
            rows = await connection.execute_query_dict(_TAKE, [BATCH_SIZE, self._clock.now()])
            if not rows[0]["is_ours"]:
                raise _LockedOutError
            if rows[0]["seq"] is None:
                return 0
            failpoint("events.relay.before_publish")
            stored, failure = await self._publish([_event_of(row) for row in rows])
            failpoint("events.relay.after_publish")
            if failure is not None:
                if not stored:
                    # rolls all marks back
                    raise failure
                missing = [row["seq"] for row in rows if row["event_id"] not in stored]
                await connection.execute_query_dict(_UNMARK, [missing])
        failpoint("events.relay.after_commit")
        self._observe([row["occurred_at"] for row in rows if row["event_id"] in stored])
        if failure is not None:
            raise failure
        return len(stored)

    async def _publish(self, events: Sequence[Event]) -> tuple[set[UUID], UnavailableError | None]:
        """The ids of those that are stored; why one is not. Of its aggregate none is sent that comes after it."""
        waiting, stored, failed = events, set[UUID](), dict[str, UnavailableError]()
        while waiting:
            first_by_aggregate: dict[str, Event] = {}
            for event in waiting:
                first_by_aggregate.setdefault(event.aggregate_id, event)
            wave = list(first_by_aggregate.values())
            errors = await self._bus.publish_all(wave, timeout_s=PUBLISH_TIMEOUT_S)
            failed |= {event.aggregate_id: error for event, error in zip(wave, errors, strict=True) if error}
            stored |= {event.event_id for event in wave if event.aggregate_id not in failed}
            waiting = [e for e in waiting if e.event_id not in stored and e.aggregate_id not in failed]
        return stored, next(iter(failed.values()), None)

    def _observe(self, published: Sequence[datetime]) -> None:
        """`published`: when the published events occurred, the oldest first."""
        if self._metrics is None:
            return
        self._metrics.published(len(published))
        self._metrics.relay_lag((self._clock.now() - published[0]).total_seconds())


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

"""Keeping the tables of events small: what is published, had or resolved is deleted after a while, in small steps.

Published events stay a day, so that a lost stream can be published again; the inbox remembers twice as long as the
stream keeps events, so that nothing delivered late has a second effect.
"""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta

import structlog

from common.clock import Clock
from common.events.sql import Transactions

OUTBOX_KEPT = timedelta(days=1)
INBOX_KEPT = timedelta(days=14)
DEAD_LETTERS_KEPT = timedelta(days=90)
_STEP = 1000
_PAUSE_S = 300.0

# One replica at a time; a step is short enough not to be in anybody's way.
_LOCK = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended('event retention', 'outbox'::regclass::oid::bigint)) AS locked"
)
_DELETES: Mapping[str, tuple[str, timedelta]] = {
    "outbox": (
        """WITH gone AS (DELETE FROM outbox WHERE seq IN (
            SELECT seq FROM outbox WHERE published_at < $1 LIMIT $2) RETURNING 1) SELECT count(*) AS count FROM gone""",
        OUTBOX_KEPT,
    ),
    "inbox": (
        """WITH gone AS (DELETE FROM inbox WHERE id IN (
            SELECT id FROM inbox WHERE received_at < $1 LIMIT $2) RETURNING 1) SELECT count(*) AS count FROM gone""",
        INBOX_KEPT,
    ),
    "dead_letter": (
        """WITH gone AS (DELETE FROM dead_letter WHERE id IN (
            SELECT id FROM dead_letter WHERE state = 'RESOLVED' AND updated_at < $1 LIMIT $2) RETURNING 1)
        SELECT count(*) AS count FROM gone""",
        DEAD_LETTERS_KEPT,
    ),
}

_log = structlog.get_logger(__name__)


class Retention:
    """One per subgraph and process; replicas take turns."""

    def __init__(self, database: Transactions, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        """Sweeps every five minutes until `stop`."""
        while not self._stopped.is_set():
            try:
                await self.sweep()
            except Exception:  # a border: the database is away, the next sweep will do
                _log.warning("old events cannot be deleted at the moment", exc_info=True)
            try:
                # jittered, so that the subgraphs do not sweep together
                async with asyncio.timeout(_PAUSE_S * random.uniform(0.8, 1.2)):  # noqa: S311  # jitter
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def sweep(self) -> dict[str, int]:
        """Deletes everything that is old enough; rows deleted by table."""
        return {table: await self._sweep(statement, kept) for table, (statement, kept) in _DELETES.items()}

    async def _sweep(self, statement: str, kept: timedelta) -> int:
        total = 0
        while not self._stopped.is_set():
            async with self._database.transaction() as connection:
                if not (await connection.execute_query_dict(_LOCK))[0]["locked"]:
                    break
                rows = await connection.execute_query_dict(statement, [self._clock.now() - kept, _STEP])
            total += rows[0]["count"]
            if rows[0]["count"] < _STEP:
                break
        return total

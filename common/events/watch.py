"""How long the oldest recorded event has been waiting for its publication, for `/metrics` and its alert.

The relay's own numbers say nothing when it publishes nothing, so this looks by itself. The age goes on growing between
looks, and when looks fail: a database that is away does not make a stuck outbox look fine.
"""

import asyncio
import random
from datetime import datetime

import structlog

from common.clock import Clock
from common.events.metrics import EventMetrics
from common.events.sql import Transactions

_PAUSE_S = 5.0
_OLDEST = "SELECT occurred_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1"

_log = structlog.get_logger(__name__)


class OutboxWatch:
    """One per subgraph and process. Replicas see the same outbox, so alerts take the greatest of their ages."""

    def __init__(self, database: Transactions, *, clock: Clock, metrics: EventMetrics) -> None:
        self._database = database
        self._clock = clock
        self._oldest_at: datetime | None = None
        self._stopped = asyncio.Event()
        metrics.outbox_waits(self.age_s)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        """Looks every five seconds until `stop`."""
        while not self._stopped.is_set():
            try:
                await self.look()
            except Exception as exc:  # a border: the database is away, the next look will do
                _log.warning("the outbox cannot be looked at", error=repr(exc))
            try:
                async with asyncio.timeout(_PAUSE_S * random.uniform(0.8, 1.2)):  # noqa: S311  # jitter
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        async with self._database.transaction() as connection:
            rows = await connection.execute_query_dict(_OLDEST)
        self._oldest_at = rows[0]["occurred_at"] if rows else None

    def age_s(self) -> float:
        """Of the event seen waiting at the last look; 0 if there was none."""
        if self._oldest_at is None:
            return 0.0
        return max(0.0, (self._clock.now() - self._oldest_at).total_seconds())

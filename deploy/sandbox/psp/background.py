"""What the provider does by itself: banks transfer, actions and authorisations expire, endpoints are told."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import asyncpg
import structlog

from common.clock import Clock
from deploy.sandbox.psp.intents import Intents
from deploy.sandbox.psp.vault import Vault
from deploy.sandbox.psp.webhooks import Deliveries

PAUSE_S = 0.2
BATCH = 100
_FORGET_EVERY_S = 60.0
_DUE = """
DELETE FROM scheduled WHERE (intent_id, kind) IN (
    SELECT intent_id, kind FROM scheduled WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING intent_id, kind
"""
_FORGET_EVENTS = "DELETE FROM event WHERE created_at < $1::timestamptz - interval '7 days'"

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Background:
    pool: asyncpg.Pool
    clock: Clock
    intents: Intents
    deliveries: Deliveries
    vault: Vault
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Something happened that an endpoint may want to know at once."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        forgot_at = -_FORGET_EVERY_S
        while True:
            try:
                if self.clock.monotonic() - forgot_at >= _FORGET_EVERY_S:
                    forgot_at = self.clock.monotonic()
                    await self.vault.forget_expired()
                    await self.pool.execute(_FORGET_EVENTS, self.clock.now())
                busy = await self.happen_due() + await self.deliveries.deliver_due()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                # border: the database is away or restarting; what is due stays due
                _log.warning("the sandbox's background work failed", exc_info=True)
                await asyncio.sleep(1.0)
                continue
            if not busy:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE_S):
                        await self._woken.wait()
            self._woken.clear()

    async def happen_due(self) -> int:
        """One batch of what is due, in one transaction; how much that was."""
        async with self.pool.acquire() as connection, connection.transaction():
            due = await connection.fetch(_DUE, self.clock.now(), BATCH)
            for row in sorted(due, key=lambda row: str(row["intent_id"])):
                await self.intents.happen(connection, row["intent_id"], row["kind"])
        return len(due)

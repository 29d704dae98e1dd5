"""Telling endpoints what happened: signed, repeated with growing pauses until they say 2xx or we give up.

Stripe tries for three days; here it is about ten minutes. An endpoint with `only_unanswered` hears only of what nobody
was told as an answer: what banks and customers do, and what was done for a request whose answer was lost.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import orjson
import structlog

from common.clock import Clock
from common.ids import new_id
from common.webhooks import webhook_headers
from deploy.sandbox.psp.errors import invalid, missing
from deploy.sandbox.psp.faults import Faults

TIMEOUT_S = 5.0
_LEASE = dt.timedelta(seconds=15)
_BATCH = 50
_ATTEMPTS_MAX = 12
_PAUSE_CAP_S = 60.0
_STALE_S = 3600

_TAKE = """
UPDATE delivery d SET next_at = $1 + $2::interval, attempts = attempts + 1
FROM event e, webhook_endpoint w
WHERE d.seq IN (SELECT seq FROM delivery WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
    AND e.id = d.event_id AND w.id = d.endpoint_id
RETURNING d.seq, d.attempts, e.id, e.body, w.url, w.secrets
"""
_DONE = "UPDATE delivery SET next_at = NULL, delivered_at = $2, last_answer = $3 WHERE seq = $1"
_RETRY = "UPDATE delivery SET next_at = $2, last_answer = $3 WHERE seq = $1"
_ENDPOINT = """
INSERT INTO webhook_endpoint AS w (id, url, secrets, only_unanswered) VALUES ($1, $2, $3, $4)
ON CONFLICT (url) DO UPDATE SET secrets = excluded.secrets, only_unanswered = excluded.only_unanswered
RETURNING w.id, w.url, w.only_unanswered
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoints:
    pool: asyncpg.Pool

    async def register(self, url: Any, secrets: Sequence[str], *, only_unanswered: bool) -> dict[str, Any]:
        """An address registered again keeps its id and gets the new secrets. Raises ApiError."""
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or not secrets:
            raise invalid("url_invalid", "An endpoint needs an http(s) address and a secret.")
        row = await self.pool.fetchrow(_ENDPOINT, new_id("we"), url, list(secrets), only_unanswered)
        return dict(row)

    async def all(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch("SELECT id, url, only_unanswered FROM webhook_endpoint")]

    async def remove(self, endpoint_id: str) -> None:
        if await self.pool.fetchval("DELETE FROM webhook_endpoint WHERE id = $1 RETURNING id", endpoint_id) is None:
            raise missing("webhook endpoint")


@dataclass(frozen=True, slots=True)
class Deliveries:
    pool: asyncpg.Pool
    #: timestamps of messages are real ones: the receiver's clock does not move with ours
    clock: Clock
    real_clock: Clock
    faults: Faults
    http: aiohttp.ClientSession

    async def deliver_due(self) -> int:
        """One batch; how many were tried."""
        now = self.clock.now()
        rows = await self.pool.fetch(_TAKE, now, _LEASE, _BATCH)
        if self.faults.webhooks.is_shuffled:
            self.faults.dice.shuffle(rows)
        await asyncio.gather(*(self._deliver(row) for row in rows))
        return len(rows)

    async def _deliver(self, row: asyncpg.Record) -> None:
        body = orjson.dumps(row["body"])
        await self._trouble(row, body)
        answer = ""
        for _ in range(max(1, self.faults.webhooks.copies)):
            answer = await self._post(row, body)
        if answer.startswith("2"):
            await self.pool.execute(_DONE, row["seq"], self.clock.now(), answer)
            return
        pause_s = min(_PAUSE_CAP_S, 0.5 * 2.0 ** row["attempts"])
        next_at = self.clock.now() + dt.timedelta(seconds=pause_s) if row["attempts"] < _ATTEMPTS_MAX else None
        await self.pool.execute(_RETRY, row["seq"], next_at, answer)
        _log.warning("a webhook was not taken", url=row["url"], answer=answer, attempts=row["attempts"])

    async def _trouble(self, row: asyncpg.Record, body: bytes) -> None:
        """Messages an honest receiver refuses, on request."""
        wanted, dice = self.faults.webhooks, self.faults.dice
        if dice.random() < wanted.stale_ratio:
            await self._post(row, body, age_s=_STALE_S)
        if dice.random() < wanted.forged_ratio:
            await self._post(row, body, secrets=["not the secret of this endpoint"])

    async def _post(self, row: asyncpg.Record, body: bytes, *, age_s: int = 0, secrets: Sequence[str] = ()) -> str:
        """Status of the answer, or the name of what went wrong."""
        sent_at = int(self.real_clock.now().timestamp()) - age_s
        headers = webhook_headers(secrets or row["secrets"], row["id"], sent_at, body)
        headers["content-type"] = "application/json"
        try:
            async with self.http.post(row["url"], data=body, headers=headers, allow_redirects=False) as response:
                await response.read()
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return type(exc).__name__

"""Refunds: parts of what was captured go back, never more than that, each key once."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from common.clock import Clock
from common.ids import new_id
from deploy.sandbox.psp.errors import in_use, invalid, missing
from deploy.sandbox.psp.intents import Intent, Intents, Step

_INSERT = """
INSERT INTO refund (id, request_key, request_hash, intent_id, amount_minor, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (request_key) DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Refunds:
    pool: asyncpg.Pool
    clock: Clock
    intents: Intents

    async def create(
        self, key: str, request_hash: str, intent_id: str, amount_minor: int | None, *, is_answered: bool
    ) -> dict[str, Any]:
        """The refund of the key, made now or before. Raises ApiError, also where nothing is left to give back."""
        if found := await self._by("request_key", key):
            return _same(found, request_hash)
        refund_id, now = new_id("re"), self.clock.now()
        amount = 0

        def step(intent: Intent) -> Step:
            nonlocal amount
            if intent.dispute_status in ("needs_response", "lost"):
                raise invalid("charge_disputed", "The customer's bank decides, or has decided, about this money.")
            left = intent.captured_minor - intent.refunded_minor
            amount = amount_minor or left
            if not 0 < amount <= left:
                raise invalid("charge_already_refunded", "No more than was captured can be refunded.")
            after = replace(intent, refunded_minor=intent.refunded_minor + amount)
            return Step(after, "charge.refunded", ("REFUND", amount))

        try:
            async with self.pool.acquire() as connection, connection.transaction():
                await self.intents.change_in(connection, intent_id, step, is_answered=is_answered)
                values = [refund_id, key, request_hash, intent_id, amount, now]
                if await connection.fetchval(_INSERT, *values) is None:
                    raise _TwiceError
        except _TwiceError:
            return _same(await self.by_key(key), request_hash)
        return _shown(refund_id, intent_id, amount, now)

    async def by_id(self, refund_id: str) -> dict[str, Any]:
        return _shown_row(await self._by("id", refund_id))

    async def by_key(self, key: str) -> asyncpg.Record:
        return await self._by("request_key", key)

    async def _by(self, column: str, value: str) -> asyncpg.Record:
        return await self.pool.fetchrow(f"SELECT * FROM refund WHERE {column} = $1", value)  # noqa: S608 - ours


class _TwiceError(Exception):
    """Another request with the key was quicker: what this one did is rolled back."""


def _same(row: asyncpg.Record, request_hash: str) -> dict[str, Any]:
    if row["request_hash"] != request_hash:
        raise in_use("The key was used for another refund.")
    return _shown_row(row)


def _shown_row(row: asyncpg.Record | None) -> dict[str, Any]:
    if row is None:
        raise missing("refund")
    return _shown(row["id"], row["intent_id"], row["amount_minor"], row["created_at"])


def _shown(refund_id: str, intent_id: str, amount_minor: int, at: dt.datetime) -> dict[str, Any]:
    return {
        "id": refund_id,
        "object": "refund",
        "status": "succeeded",
        "payment_intent": intent_id,
        "amount": amount_minor,
        "created": at.isoformat(),
    }

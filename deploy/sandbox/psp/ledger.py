"""The provider's own account of every charge: what a witness says who was not asked by the shop."""

from typing import Any

import asyncpg

_CHARGES = """
SELECT i.id, i.request_key AS key, i.status, i.amount_minor, i.authorized_minor, i.captured_minor, i.refunded_minor,
    i.currency, i.means ->> 'kind' AS kind, i.dispute_status, i.disputed_minor, i.metadata, i.created_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('kind', m.kind, 'amount_minor', m.amount_minor, 'at', m.at)
                               ORDER BY m.seq) FROM movement m WHERE m.intent_id = i.id), '[]') AS movements
FROM intent i WHERE ($1::text IS NULL OR i.metadata ->> 'order_id' = $1) ORDER BY i.created_at, i.id
"""
_TOTALS = """
SELECT i.currency, m.kind, sum(m.amount_minor)::bigint AS amount_minor, count(*) AS count
FROM movement m JOIN intent i ON i.id = m.intent_id
WHERE ($1::text IS NULL OR i.metadata ->> 'order_id' = $1) GROUP BY 1, 2 ORDER BY 1, 2
"""


async def ledger(pool: asyncpg.Pool, order_id: str | None) -> dict[str, Any]:
    """All charges, oldest first, each with its movements; or those of one order."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        charges = await connection.fetch(_CHARGES, order_id)
        totals = await connection.fetch(_TOTALS, order_id)
    return {"charges": [dict(row) for row in charges], "totals": [dict(row) for row in totals]}

"""Having the effect of an event once: its id is written in the transaction of the effect.

With `latest_only`, events older than one the consumer has already had of the same aggregate count as had: right for
projections of a state, wrong for effects that each event has of its own (an e-mail per status).
"""

from common.clock import Clock
from common.events.event import Event
from common.events.sql import SqlConnection

_INSERT = """
INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, received_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (consumer, event_id) DO NOTHING RETURNING id
"""
# Two events of one aggregate must not look at each other's absence: the lock ends with the transaction.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_NEWER = "SELECT 1 FROM inbox WHERE consumer = $1 AND aggregate_id = $2 AND aggregate_version >= $3 LIMIT 1"


async def claim(
    connection: SqlConnection, consumer: str, event: Event, *, clock: Clock, latest_only: bool = False
) -> bool:
    """False: this consumer has had the event, do nothing. True: have the effect now, in this transaction.

    A concurrent claim of the same event waits here until the other transaction has ended.
    """
    if latest_only:
        await connection.execute_query_dict(_LOCK, [f"{consumer}/{event.aggregate_id}"])
        if await connection.execute_query_dict(_NEWER, [consumer, event.aggregate_id, event.aggregate_version]):
            return False
    rows = await connection.execute_query_dict(
        _INSERT, [consumer, event.event_id, event.aggregate_id, event.aggregate_version, clock.now()]
    )
    return bool(rows)

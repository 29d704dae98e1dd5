"""Having the effect of an event once: its id is written in the transaction of the effect, or in its one statement."""

from typing import Any

from common.clock import Clock
from common.events.event import Event
from common.events.sql import SqlConnection

#: of `claim_clause`
CLAIM_PLACEHOLDERS = 5


def claim_clause(first: int) -> str:
    """A CTE named `claimed`, whose placeholders begin with `$first`: one row with the `event_id` if the consumer has
    not had the event, else none; what follows in the statement must depend on it.

    A concurrent claim of the same event waits here until the other transaction has ended.
    """
    consumer, event_id, aggregate_id, version, at = range(first, first + CLAIM_PLACEHOLDERS)
    return f"""claimed AS (
    INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, received_at)
    VALUES (${consumer}, ${event_id}, ${aggregate_id}, ${version}, ${at})
    ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id
)"""  # noqa: S608  # text of our own only


def claim_values(consumer: str, event: Event, clock: Clock) -> list[Any]:
    """What the placeholders of `claim_clause` stand for."""
    return [consumer, event.event_id, event.aggregate_id, event.aggregate_version, clock.now()]


_INSERT = f"WITH {claim_clause(1)} SELECT event_id FROM claimed"  # noqa: S608  # constants


async def claim(connection: SqlConnection, consumer: str, event: Event, clock: Clock) -> bool:
    """False: this consumer has had the event, do nothing. True: have the effect now, in this transaction.

    A concurrent claim of the same event waits here until the other transaction has ended.
    """
    return bool(await connection.execute_query_dict(_INSERT, claim_values(consumer, event, clock)))

"""Recording events: in the transaction of the change, so that both happen or neither does.

Nothing is sent here. The relay of the same process is woken by the commit; NOTIFY inside business transactions would
make their commits queue behind one lock of the server.

A change that is one statement records its events in the same one:

    f"WITH moved AS (UPDATE … RETURNING id), {record_clause(3, only_if='moved')} SELECT id FROM moved"
    [..., *record_values(event)]                                                    and then `outbox.wake()`
"""

import asyncio
from typing import Any

import orjson

from common.events.after_commit import after_commit
from common.events.event import Event
from common.events.sql import SqlConnection

#: of `record_clause`
RECORD_PLACEHOLDERS = 7


def record_clause(first: int, *, only_if: str | None, name: str = "recorded", extra: str | None = None) -> str:
    """A CTE that records the events of `record_values`, whose placeholders begin with `$first`, in the order given.

    `only_if` names a table expression, such as another CTE: without a row in it nothing is recorded. `extra` is an
    expression of type jsonb that is added to each payload, for what only the statement knows.
    """
    ids, types, aggregates, versions, payloads, metadata, times = range(first, first + RECORD_PLACEHOLDERS)
    condition = f"WHERE EXISTS (SELECT FROM {only_if})" if only_if else ""
    payload = f"payload::jsonb || {extra}" if extra else "payload::jsonb"
    return f"""{name} AS (
    INSERT INTO outbox (event_id, type, aggregate_id, aggregate_version, payload, metadata, occurred_at)
    SELECT id, type, aggregate, version, {payload}, metadata::jsonb, at
    FROM unnest(${ids}::uuid[], ${types}::text[], ${aggregates}::text[], ${versions}::bigint[], ${payloads}::text[],
        ${metadata}::text[], ${times}::timestamptz[]) WITH ORDINALITY
        AS told (id, type, aggregate, version, payload, metadata, at, position)
    {condition} ORDER BY position
    RETURNING seq
)"""  # noqa: S608  # text of our own only


def record_values(*events: Event) -> list[Any]:
    """What the placeholders of `record_clause` stand for. Raises TypeError for a payload that is not JSON."""
    return [
        [event.event_id for event in events],
        [event.type for event in events],
        [event.aggregate_id for event in events],
        [event.aggregate_version for event in events],
        [orjson.dumps(event.payload).decode() for event in events],
        [orjson.dumps(event.metadata).decode() for event in events],
        [event.occurred_at for event in events],
    ]


_INSERT = f"WITH {record_clause(1, only_if=None)} SELECT seq FROM recorded"  # noqa: S608  # constants


class Outbox:
    """One per subgraph and process, shared by what records events and the relay."""

    def __init__(self) -> None:
        self._recorded = asyncio.Event()

    async def add(self, connection: SqlConnection, *events: Event) -> None:
        """One statement for all events, in the order given. Raises TypeError for a payload that is not JSON."""
        if not events:
            return
        await connection.execute_query_dict(_INSERT, record_values(*events))
        self.wake()

    def wake(self) -> None:
        """Tells the relay that there is something new, once the current transaction, if any, has committed."""
        after_commit(self._recorded.set)

    async def wait(self, timeout_s: float) -> bool:
        """Until something is recorded or the time is over; True if something was."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._recorded.wait()
        except TimeoutError:
            return False
        self._recorded.clear()
        return True

"""Recording events: in the transaction of the change, so that both happen or neither does.

Nothing is sent here. The relay of the same process is woken and looks often for a moment, because the transaction has
yet to commit; NOTIFY inside business transactions would make their commits queue behind one lock of the server.
"""

import asyncio

import orjson

from common.events.event import Event
from common.events.sql import SqlConnection

_INSERT = """
INSERT INTO outbox (event_id, type, aggregate_id, aggregate_version, payload, metadata, occurred_at)
SELECT id, type, aggregate, version, payload::jsonb, metadata::jsonb, at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
    AS recorded (id, type, aggregate, version, payload, metadata, at)
RETURNING seq
"""


class Outbox:
    """One per subgraph and process, shared by what records events and the relay."""

    def __init__(self) -> None:
        self._recorded = asyncio.Event()

    async def add(self, connection: SqlConnection, *events: Event) -> None:
        """One statement for all events, in the order given. Raises TypeError for a payload that is not JSON."""
        if not events:
            return
        await connection.execute_query_dict(
            _INSERT,
            [
                [event.event_id for event in events],
                [event.type for event in events],
                [event.aggregate_id for event in events],
                [event.aggregate_version for event in events],
                [orjson.dumps(event.payload).decode() for event in events],
                [orjson.dumps(event.metadata).decode() for event in events],
                [event.occurred_at for event in events],
            ],
        )
        self.wake()

    def wake(self) -> None:
        """Tells the relay that there may be something new, e.g. recorded by a statement of one's own."""
        self._recorded.set()

    async def wait(self, timeout_s: float) -> bool:
        """Until something is recorded or the time is over; True if something was."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._recorded.wait()
        except TimeoutError:
            return False
        self._recorded.clear()
        return True

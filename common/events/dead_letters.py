"""Events a consumer has given up on: written down, looked at, tried again.

A replay is asked for by setting the row's state; the consumer it belongs to finds it and has the effect in one
transaction with marking the row, so a replay happens once however often it is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events.event import Event
from common.events.sql import SqlConnection
from common.ids import uuid7

_COLUMNS = "id, consumer, event_id, subject, event, error, trace_id, attempts, state, created_at, updated_at"
_RECORD = """
INSERT INTO dead_letter
    (id, consumer, event_id, subject, event, error, trace_id, attempts, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'DEAD', $9, $9)
ON CONFLICT (consumer, event_id) DO UPDATE
SET error = EXCLUDED.error, attempts = EXCLUDED.attempts, state = 'DEAD', updated_at = EXCLUDED.updated_at
RETURNING id
"""
_LIST = f"SELECT {_COLUMNS} FROM dead_letter WHERE state = $1 ORDER BY id DESC LIMIT $2"  # noqa: S608  # constants
_ASK = "UPDATE dead_letter SET state = 'REPLAY', updated_at = $2 WHERE id = $1 AND state = 'DEAD' RETURNING id"
_NEXT_REPLAY = f"""
SELECT {_COLUMNS} FROM dead_letter WHERE state = 'REPLAY' AND consumer = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608  # constants
_RESOLVE = "UPDATE dead_letter SET state = 'RESOLVED', updated_at = $2 WHERE id = $1 RETURNING id"
_FAIL = """
UPDATE dead_letter SET state = 'DEAD', attempts = attempts + 1, error = $2, updated_at = $3 WHERE id = $1 RETURNING id
"""
_MAX_ERROR_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: UUID
    consumer: str
    #: None when the bytes were no event
    event_id: UUID | None
    subject: str
    #: JSON text as it came
    event: str
    error: str
    trace_id: str
    attempts: int
    #: DEAD, REPLAY or RESOLVED
    state: str
    created_at: datetime
    updated_at: datetime


class DeadLetters:
    """The table `dead_letter` of one subgraph. Every method is one statement in the caller's transaction, if any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def list(self, connection: SqlConnection, *, state: str = "DEAD", limit: int = 100) -> list[DeadLetter]:
        """The newest first."""
        return [_dead_letter(row) for row in await connection.execute_query_dict(_LIST, [state, limit])]

    async def replay(self, connection: SqlConnection, letter_id: UUID) -> bool:
        """Has the consumer try again within about a second. False: there is no such dead letter, or it is not DEAD."""
        return bool(await connection.execute_query_dict(_ASK, [letter_id, self._clock.now()]))

    async def record(
        self,
        connection: SqlConnection,
        *,
        consumer: str,
        event: Event | None,
        subject: str,
        data: bytes,
        error: str,
        attempts: int,
    ) -> None:
        """Giving up on a delivery. The same event again updates its row."""
        await connection.execute_query_dict(
            _RECORD,
            [
                uuid7(),
                consumer,
                event.event_id if event else None,
                subject[:400],
                # PostgreSQL's text holds no NUL
                data.decode(errors="replace").replace("\0", "\ufffd"),
                error[:_MAX_ERROR_LENGTH].replace("\0", "\ufffd"),
                event.metadata.trace_id[:32] if event else "",
                attempts,
                self._clock.now(),
            ],
        )

    async def next_replay(self, connection: SqlConnection, consumer: str) -> DeadLetter | None:
        """One that somebody asked to replay, locked until the transaction ends."""
        rows = await connection.execute_query_dict(_NEXT_REPLAY, [consumer])
        return _dead_letter(rows[0]) if rows else None

    async def resolve(self, connection: SqlConnection, letter_id: UUID) -> None:
        await connection.execute_query_dict(_RESOLVE, [letter_id, self._clock.now()])

    async def fail(self, connection: SqlConnection, letter_id: UUID, error: str) -> None:
        """A replay did not work either: DEAD again."""
        text = error[:_MAX_ERROR_LENGTH].replace("\0", "\ufffd")
        await connection.execute_query_dict(_FAIL, [letter_id, text, self._clock.now()])


def _dead_letter(row: Mapping[str, Any]) -> DeadLetter:
    # asyncpg's own UUID class is one that orjson does not know
    ids = {column: UUID(int=row[column].int) for column in ("id", "event_id") if row[column] is not None}
    return DeadLetter(**{**row, **ids})

"""Idempotent mutations that call another process in the middle, so that one transaction cannot hold them.

`begin` commits the key together with a recovery point (the ids the later phases work under), then come the calls, then
`store_answer` of `common.subgraph.idempotency` in the transaction of the effect, or `refuse`. A repetition gets the
stored answer; while the first request runs it waits; when that one died it continues from the recovery point, under the
same ids, so that whatever it asked of others already is not done twice. Source: Brandur Leach, "Implementing
Stripe-like idempotency keys in Postgres".
"""

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import Any

import orjson

from common.clock import Clock
from common.subgraph.database import Database, Row
from common.subgraph.errors import IdempotencyConflictedError, IdempotencyInFlightError
from common.subgraph.idempotency import (
    IN_FLIGHT_WAIT_S,
    POLL_S,
    RETENTION,
    Answer,
    IdempotentRequest,
    answer_values,
    check_key,
)
from common.subgraph.replay import mark_replay

#: a first request that takes longer is taken for dead; longer than all its deadlines together
LOCK_LIFETIME = dt.timedelta(seconds=15)
_NEVER = float("inf")
#: between looks at a first request that takes its time
_MAX_POLL_S = 0.2
_POINT = "recovery_point"
_LOCKED_UNTIL = "locked_until"

# A row is ours when it is new, when it has expired, or when its owner died in the middle of the same request.
_BEGIN = f"""
INSERT INTO idempotency AS i (scope, key, request_hash, answer, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (scope, key) DO UPDATE SET
    request_hash = excluded.request_hash, created_at = excluded.created_at, expires_at = excluded.expires_at,
    answer = CASE WHEN i.expires_at < excluded.created_at THEN excluded.answer
        ELSE jsonb_set(i.answer, '{{{_LOCKED_UNTIL}}}', excluded.answer -> '{_LOCKED_UNTIL}') END
WHERE i.expires_at < excluded.created_at
    OR (i.request_hash = excluded.request_hash AND (i.answer ->> '{_LOCKED_UNTIL}')::float8 < $7)
RETURNING answer
"""  # noqa: S608 - text of our own only
_UNLOCK = f"""
UPDATE idempotency SET answer = jsonb_set(answer, '{{{_LOCKED_UNTIL}}}', '0')
WHERE scope = $1 AND key = $2 AND answer ? '{_LOCKED_UNTIL}'
"""  # noqa: S608 - text of our own only
_REFUSE = f"""
UPDATE idempotency SET answer = $3 WHERE scope = $1 AND key = $2 AND answer ? '{_LOCKED_UNTIL}' RETURNING id
"""  # noqa: S608 - text of our own only


@dataclass(frozen=True, slots=True)
class Begun:
    """The request is ours to carry out, under the ids of `point`: the given ones, or those of one that died."""

    point: Answer


@dataclass(frozen=True, slots=True)
class Finished:
    """The request was carried out before; this was its answer."""

    answer: Answer


async def begin(database: Database, clock: Clock, request: IdempotentRequest, point: Answer) -> Begun | Finished:
    """One statement when the key is new. Raises IdempotencyConflictedError, IdempotencyInFlightError, BadInputError."""
    check_key(request.key)
    give_up_at = clock.monotonic() + IN_FLIGHT_WAIT_S
    while True:
        now = clock.now()
        locked = {_POINT: point, _LOCKED_UNTIL: (now + LOCK_LIFETIME).timestamp()}
        parameters = [request.scope, request.key, request.request_hash, orjson.dumps(locked).decode(), now]
        claimed = await database.fetch(_BEGIN, [*parameters, now + RETENTION, now.timestamp()])
        if claimed:
            return Begun(orjson.loads(claimed[0]["answer"])[_POINT])
        answer = await _wait_for_answer(database, clock, request, give_up_at)
        if answer is not None:
            mark_replay()
            return Finished(answer)


async def _wait_for_answer(
    database: Database, clock: Clock, request: IdempotentRequest, give_up_at: float
) -> Answer | None:
    """Looks, ever more seldom, until the first request is done; None where it died and the key may be taken over."""
    pause_s = POLL_S
    while True:
        stored = _stored_answer(request, await _stored(database, request))
        if stored is None or stored.get(_LOCKED_UNTIL, _NEVER) < clock.now().timestamp():
            return None
        if _LOCKED_UNTIL not in stored:
            return stored
        if clock.monotonic() >= give_up_at:
            raise IdempotencyInFlightError
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _MAX_POLL_S)


async def refuse(database: Database, request: IdempotentRequest, answer: Answer) -> None:
    """The answer of a request that comes to nothing. Raises IdempotencyInFlightError where it took so long that a
    repetition was let in and has been answered: what that one was told, holds."""
    if not await database.fetch(_REFUSE, answer_values(request, answer)):
        raise IdempotencyInFlightError


async def give_up(database: Database, request: IdempotentRequest) -> None:
    """After an unexpected failure: the next repetition may continue at once."""
    await database.fetch(_UNLOCK, [request.scope, request.key])


async def _stored(database: Database, request: IdempotentRequest) -> list[Row]:
    return await database.fetch(
        "SELECT request_hash, answer FROM idempotency WHERE scope = $1 AND key = $2", [request.scope, request.key]
    )


def _stored_answer(request: IdempotentRequest, rows: list[Row]) -> Answer | None:
    """The stored answer, or the recovery point of a request that is not finished; None if there is no row."""
    if not rows:
        return None
    if rows[0]["request_hash"] != request.request_hash:
        raise IdempotencyConflictedError("This idempotency key was used for another request.")
    answer: dict[str, Any] = orjson.loads(rows[0]["answer"])
    return answer

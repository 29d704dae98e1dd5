"""Mutations that may be sent twice: claim, effect and stored answer commit in one transaction.

A second request with the same key waits for the first, then gets its stored answer; with another body it is refused.
Semantics as in Stripe's API and draft-ietf-httpapi-idempotency-key-header-06.
"""

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from common.clock import Clock
from common.errors import BadInputError
from common.events.sql import SqlConnection
from common.subgraph.database import Database, fetch
from common.subgraph.errors import IdempotencyConflictedError, IdempotencyInFlightError
from common.subgraph.replay import mark_replay

#: sagas retry for more than a day
RETENTION = dt.timedelta(hours=72)
#: how long a repetition waits for the first request
IN_FLIGHT_WAIT_S = 2.0
POLL_S = 0.02
MAX_KEY_CHARACTERS = 255

Answer = dict[str, Any]


class IdempotencyModel(Model):
    """Answers of mutations, in each subgraph's own database.

    class Idempotency(IdempotencyModel):
        class Meta(IdempotencyModel.Meta):
            abstract = False
    """

    id = fields.BigIntField(primary_key=True)
    #: user and operation: keys of two users never meet
    scope = fields.CharField(max_length=200)
    key = fields.CharField(max_length=MAX_KEY_CHARACTERS)
    request_hash = fields.CharField(max_length=64)
    answer: Any = fields.JSONField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        abstract = True
        table = "idempotency"
        unique_together = (("scope", "key"),)


class RejectedError(Exception):
    """Raised by an effect for an expected refusal: its changes are rolled back, `answer` is stored and returned."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("rejected")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Outcome:
    answer: Answer
    #: the effect ran earlier; `answer` is what it gave then
    is_replay: bool


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """One mutation call. `operation` and `caller` are its scope; `request` is what must be equal in a repetition."""

    caller: str
    operation: str
    key: str
    request: Mapping[str, Any]

    @property
    def scope(self) -> str:
        return f"{self.operation}:{self.caller}"

    @property
    def request_hash(self) -> str:
        return hashlib.sha256(orjson.dumps(self.request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


async def run_idempotent(
    database: Database,
    clock: Clock,
    request: IdempotentRequest,
    effect: Callable[[SqlConnection], Awaitable[Answer]],
) -> Outcome:
    """Runs `effect` once per scope and key; its answer (JSON) is stored with it.

    An unexpected exception rolls everything back and is not stored: the same key may be tried again. Raises
    IdempotencyConflictedError (same key, other request), IdempotencyInFlightError, BadInputError for an unusable key.
    """
    check_key(request.key)
    try:
        async with database.transaction() as connection:
            stored = await claim(connection, clock, request)
            if stored is not None:
                return Outcome(stored, is_replay=True)
            answer = await effect(connection)
            await store_answer(connection, request, answer)
            return Outcome(answer, is_replay=False)
    except RejectedError as rejection:
        return await _store_rejection(database, clock, request, rejection.answer)


async def claim(connection: SqlConnection, clock: Clock, request: IdempotentRequest) -> Answer | None:
    """Takes the key in the caller's transaction: None if it is ours now, else the stored answer.

    While another transaction holds the key we wait for its end. An expired record counts as absent.
    """
    give_up_at = clock.monotonic() + IN_FLIGHT_WAIT_S
    while not await _try_claim(connection, clock, request):
        stored = await _stored_answer(connection, request)
        if stored is not None:
            mark_replay()
            return stored
        if clock.monotonic() >= give_up_at:
            raise IdempotencyInFlightError
        await asyncio.sleep(POLL_S)
    return None


async def _try_claim(connection: SqlConnection, clock: Clock, request: IdempotentRequest) -> bool:
    """The advisory lock keeps the INSERT from waiting without limit for another transaction with the same key."""
    now = clock.now()
    claimed = await fetch(
        connection,
        """INSERT INTO idempotency (scope, key, request_hash, created_at, expires_at)
           SELECT $1::text, $2::text, $3, $4, $5
           WHERE pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 0))
           ON CONFLICT (scope, key) DO UPDATE SET request_hash = excluded.request_hash, answer = NULL,
               created_at = excluded.created_at, expires_at = excluded.expires_at
           WHERE idempotency.expires_at < excluded.created_at
           RETURNING id""",
        [request.scope, request.key, request.request_hash, now, now + RETENTION],
    )
    return bool(claimed)


def answer_clause(first: int, *, only_if: str | None = None) -> str:
    """A CTE named `answered` that stores the answer of `answer_values`, whose placeholders begin with `$first`: for an
    effect that is one statement. `only_if` names a table expression: without a row in it nothing is stored."""
    condition = f" AND EXISTS (SELECT FROM {only_if})" if only_if else ""
    return f"""answered AS (
    UPDATE idempotency SET answer = ${first + 2} WHERE scope = ${first} AND key = ${first + 1}{condition} RETURNING id
)"""  # noqa: S608 - text of our own only


def answer_values(request: IdempotentRequest, answer: Answer) -> list[Any]:
    """What the placeholders of `answer_clause` stand for."""
    return [request.scope, request.key, orjson.dumps(answer).decode()]


_ANSWER = f"WITH {answer_clause(1)} SELECT id FROM answered"  # noqa: S608 - constants


async def store_answer(connection: SqlConnection, request: IdempotentRequest, answer: Answer) -> None:
    await fetch(connection, _ANSWER, answer_values(request, answer))


async def _store_rejection(database: Database, clock: Clock, request: IdempotentRequest, answer: Answer) -> Outcome:
    """The effect was rolled back and its claim with it, so another request may have won meanwhile: its answer holds."""
    async with database.transaction() as connection:
        stored = await claim(connection, clock, request)
        if stored is not None:
            return Outcome(stored, is_replay=True)
        await store_answer(connection, request, answer)
    return Outcome(answer, is_replay=False)


async def _stored_answer(connection: SqlConnection, request: IdempotentRequest) -> Answer | None:
    """None if there is no finished record."""
    rows = await fetch(
        connection,
        "SELECT request_hash, answer FROM idempotency WHERE scope = $1 AND key = $2",
        [request.scope, request.key],
    )
    if not rows or rows[0]["answer"] is None:
        return None
    if rows[0]["request_hash"] != request.request_hash:
        raise IdempotencyConflictedError("This idempotency key was used for another request.")
    answer: Answer = orjson.loads(rows[0]["answer"])
    return answer


def check_key(key: str) -> None:
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS or "\0" in key:
        raise BadInputError(f"The idempotency key must have 1 to {MAX_KEY_CHARACTERS} characters.")


class IdempotencySweeper:
    """Worker that deletes expired records, now and then."""

    def __init__(self, database: Database, clock: Clock, *, pause_s: float = 3600.0) -> None:
        self._database = database
        self._clock = clock
        self._pause_s = pause_s
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        while not self._stopped.is_set():
            await self._database.fetch("DELETE FROM idempotency WHERE expires_at < $1", [self._clock.now()])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._stopped.wait()

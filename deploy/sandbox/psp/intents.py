"""Payment intents: one attempt to take an amount, from its creation to its end. Statuses are Stripe's.

    create ─┬─> requires_capture ──capture──> succeeded        requires_action ──approve──> requires_capture
            ├─> requires_payment_method (declined)                             └─deny, time─> requires_payment_method
            └─> processing ──the bank──> succeeded | requires_payment_method
    cancel: from every status but succeeded, and canceled stays canceled
    disputes of a succeeded one: its money is kept back (needs_response), then returned (won) or not (lost)

Each step locks the row and writes status, movement of money, event and deliveries in one statement.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import asyncpg

from common.clock import Clock
from common.ids import new_id
from deploy.sandbox.psp.cards import DECLINE_MESSAGES, Means
from deploy.sandbox.psp.errors import ApiError, in_use, invalid, missing
from deploy.sandbox.psp.vault import shown_means

ACTION_LIFETIME = dt.timedelta(minutes=15)
AUTHORIZATION_LIFETIME = dt.timedelta(days=7)
#: behaviour of a card that is going to be disputed -> what the bank decides
DISPUTE_OUTCOMES: Mapping[str, str] = {"dispute": "lost", "dispute_won": "won"}

_COLUMNS = """id, request_key, request_hash, status, amount_minor, currency, authorized_minor, captured_minor,
    refunded_minor, means, saved_method, decline_code, action_secret, action_expires_at, return_url, metadata,
    dispute_status, disputed_minor, created_at, updated_at"""

# $21 kind of movement or null, $22 its amount; $23 event id, $24 type, $25 body, $26 whether an answer told it too;
# $27 kind of what is scheduled or null, $28 when
_RECORD = """
, moved AS (
    INSERT INTO movement (intent_id, kind, amount_minor, at)
    SELECT id, $21::text, $22, $20 FROM written WHERE $21::text IS NOT NULL
), told AS (
    INSERT INTO event (id, type, intent_id, body, created_at)
    SELECT $23::text, $24, id, $25::jsonb, $20 FROM written WHERE $23::text IS NOT NULL RETURNING id
), sent AS (
    INSERT INTO delivery (event_id, endpoint_id, next_at)
    SELECT told.id, endpoint.id, $20 FROM told, webhook_endpoint endpoint
    WHERE NOT (endpoint.only_unanswered AND $26::boolean)
), planned AS (
    INSERT INTO scheduled (intent_id, kind, due_at)
    SELECT id, $27::text, $28::timestamptz FROM written WHERE $27::text IS NOT NULL
)
SELECT id FROM written
"""
_CREATE = f"""
WITH written AS (
    INSERT INTO intent ({_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    ON CONFLICT (request_key) DO NOTHING RETURNING id
) {_RECORD}
"""  # noqa: S608 - constants of this module
_STEP = f"""
WITH written AS (
    UPDATE intent SET ({_COLUMNS})
        = ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    WHERE id = $1 RETURNING id
) {_RECORD}
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class Intent:
    """Amounts in minor units of `currency`, which is upper case."""

    id: str
    request_key: str
    request_hash: str
    status: str
    amount_minor: int
    currency: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    means: Means
    saved_method: str | None
    decline_code: str | None
    action_secret: str | None
    action_expires_at: dt.datetime | None
    return_url: str | None
    metadata: Mapping[str, Any]
    #: needs_response, won or lost; None: nobody has disputed the charge
    dispute_status: str | None
    #: what was kept back when the dispute began
    disputed_minor: int
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to create an intent."""

    key: str
    request_hash: str
    amount_minor: int
    currency: str
    means: Means
    saved_method: str | None
    return_url: str | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What an intent becomes. `movement` is kind and amount; `due` what is to happen by itself, and when."""

    after: Intent
    event: str
    movement: tuple[str, int] | None = None
    due: tuple[str, dt.datetime] | None = None


StepOf: TypeAlias = Callable[[Intent], Step | None]


@dataclass(frozen=True, slots=True)
class Delays:
    bank: dt.timedelta
    dispute: dt.timedelta


@dataclass(frozen=True, slots=True)
class Intents:
    pool: asyncpg.Pool
    clock: Clock
    delays: Delays
    #: address of this sandbox for a customer's browser
    url: str

    async def create(self, wanted: Wanted, *, is_answered: bool) -> Intent:
        """The intent of the key: made now, or made before. Raises ApiError for a key used for something else."""
        step = self._first(wanted)
        async with self.pool.acquire() as connection:
            if await self._record(connection, _CREATE, step, is_answered=is_answered):
                return step.after
        made = await self.by_key(wanted.key)
        if made is None:
            raise RuntimeError("intents are never deleted")
        return same_request(made, wanted.request_hash)

    async def by_key(self, key: str) -> Intent | None:
        return _intent(await self.pool.fetchrow(f"SELECT {_COLUMNS} FROM intent WHERE request_key = $1", key))  # noqa: S608

    async def by_id(self, intent_id: str) -> Intent:
        """Raises ApiError."""
        intent = _intent(await self.pool.fetchrow(f"SELECT {_COLUMNS} FROM intent WHERE id = $1", intent_id))  # noqa: S608
        if intent is None:
            raise missing("payment intent")
        return intent

    async def capture(self, intent_id: str, amount_minor: int | None, *, is_answered: bool) -> Intent:
        """What is not captured is let go. A captured intent stays as it is."""

        def step(intent: Intent) -> Step | None:
            if intent.status == "succeeded":
                return None
            taken = amount_minor or intent.authorized_minor
            if intent.status != "requires_capture":
                raise _unexpected(intent, "captured")
            if not 0 < taken <= intent.authorized_minor:
                raise invalid("amount_too_large", "No more than was authorised can be captured.")
            after = replace(intent, status="succeeded", captured_minor=taken)
            return Step(after, "payment_intent.succeeded", ("CAPTURE", taken), self._after_capture(intent))

        return await self.change(intent_id, step, is_answered=is_answered)

    async def cancel(self, intent_id: str, *, is_answered: bool) -> Intent:
        """A captured intent is refused, a canceled one stays as it is."""

        def step(intent: Intent) -> Step | None:
            if intent.status == "canceled":
                return None
            if intent.status == "succeeded":
                raise _unexpected(intent, "canceled")
            return _canceled(intent)

        return await self.change(intent_id, step, is_answered=is_answered)

    async def answer_action(self, intent_id: str, secret: str, *, is_approved: bool) -> Intent:
        """What the customer said on the page. Raises ApiError for a wrong secret."""

        def step(intent: Intent) -> Step | None:
            if intent.action_secret is None or not secrets.compare_digest(intent.action_secret, secret):
                raise missing("payment intent")
            if intent.status != "requires_action":
                return None
            if not is_approved:
                return _declined(intent, "authentication_failed")
            after = replace(intent, status="requires_capture", authorized_minor=intent.amount_minor)
            return Step(
                after,
                "payment_intent.amount_capturable_updated",
                ("AUTHORIZATION", intent.amount_minor),
                ("expire_authorization", self.clock.now() + AUTHORIZATION_LIFETIME),
            )

        return await self.change(intent_id, step, is_answered=False)

    async def happen(self, connection: asyncpg.Connection, intent_id: str, kind: str) -> None:
        """What was scheduled, in the caller's transaction; nothing where it is out of date."""
        intent = _intent(await self._locked(connection, intent_id))
        if intent is None:
            return
        step = self._disputed(intent) if kind == "dispute" else _scheduled_step(intent, kind)
        if step is not None:
            await self._record(connection, _STEP, self._dated(step), is_answered=False)

    async def change(self, intent_id: str, step_of: StepOf, *, is_answered: bool) -> Intent:
        async with self.pool.acquire() as connection, connection.transaction():
            return await self.change_in(connection, intent_id, step_of, is_answered=is_answered)

    async def change_in(
        self, connection: asyncpg.Connection, intent_id: str, step_of: StepOf, *, is_answered: bool
    ) -> Intent:
        """`step_of(intent)` gives the step, or None to leave it as it is; it may raise ApiError."""
        intent = _intent(await self._locked(connection, intent_id))
        if intent is None:
            raise missing("payment intent")
        step = step_of(intent)
        if step is None:
            return intent
        step = self._dated(step)
        await self._record(connection, _STEP, step, is_answered=is_answered)
        return step.after

    def shown(self, intent: Intent) -> dict[str, Any]:
        """As the API tells it."""
        action = None
        if intent.status == "requires_action" and intent.action_secret and intent.action_expires_at:
            action = {
                "type": "redirect_to_url",
                "url": f"{self.url}/actions/{intent.id}?secret={intent.action_secret}",
                "expires_at": intent.action_expires_at.isoformat(),
            }
        error = None
        if intent.decline_code:
            message = DECLINE_MESSAGES.get(intent.decline_code, DECLINE_MESSAGES["generic_decline"])
            error = {"code": "card_declined", "decline_code": intent.decline_code, "message": message}
        dispute = None
        if intent.dispute_status:
            dispute = {"status": intent.dispute_status, "amount": intent.disputed_minor}
        return {
            "id": intent.id,
            "object": "payment_intent",
            "status": intent.status,
            "amount": intent.amount_minor,
            "amount_capturable": intent.authorized_minor if intent.status == "requires_capture" else 0,
            "amount_authorized": intent.authorized_minor,
            "amount_received": intent.captured_minor,
            "amount_refunded": intent.refunded_minor,
            "currency": intent.currency,
            "payment_method_details": {"type": intent.means.kind, intent.means.kind: shown_means(intent.means)},
            "payment_method": intent.saved_method,
            "last_payment_error": error,
            "next_action": action,
            "disputed": intent.dispute_status is not None,
            "dispute": dispute,
            "metadata": intent.metadata,
            "created": intent.created_at.isoformat(),
        }

    def _first(self, wanted: Wanted) -> Step:
        now, means = self.clock.now(), wanted.means
        new = Intent(
            id=new_id("pi"),
            request_key=wanted.key,
            request_hash=wanted.request_hash,
            status="requires_capture",
            amount_minor=wanted.amount_minor,
            currency=wanted.currency,
            authorized_minor=0,
            captured_minor=0,
            refunded_minor=0,
            means=means,
            saved_method=wanted.saved_method,
            decline_code=None,
            action_secret=None,
            action_expires_at=None,
            return_url=wanted.return_url,
            metadata=wanted.metadata,
            dispute_status=None,
            disputed_minor=0,
            created_at=now,
            updated_at=now,
        )
        match means.behaviour:
            case "decline":
                return _declined(new, means.decline_code or "generic_decline")
            case "bank":
                due = ("transfer_ends", now + self.delays.bank)
                return Step(replace(new, status="processing"), "payment_intent.processing", due=due)
            case "action":
                until = now + ACTION_LIFETIME
                asked = replace(
                    new, status="requires_action", action_secret=secrets.token_urlsafe(24), action_expires_at=until
                )
                return Step(asked, "payment_intent.requires_action", due=("expire_action", until))
            case _:
                return Step(
                    replace(new, authorized_minor=wanted.amount_minor),
                    "payment_intent.amount_capturable_updated",
                    ("AUTHORIZATION", wanted.amount_minor),
                    ("expire_authorization", now + AUTHORIZATION_LIFETIME),
                )

    def _after_capture(self, intent: Intent) -> tuple[str, dt.datetime] | None:
        if intent.means.behaviour not in DISPUTE_OUTCOMES:
            return None
        return "dispute", self.clock.now() + self.delays.dispute

    def _disputed(self, intent: Intent) -> Step | None:
        """What has gone back to the customer already is not in dispute."""
        kept_minor = intent.captured_minor - intent.refunded_minor
        if not kept_minor:
            return None
        after = replace(intent, dispute_status="needs_response", disputed_minor=kept_minor)
        due = ("end_dispute", self.clock.now() + self.delays.dispute)
        return Step(after, "charge.dispute.created", ("DISPUTE", kept_minor), due)

    def _dated(self, step: Step) -> Step:
        return replace(step, after=replace(step.after, updated_at=self.clock.now()))

    async def _locked(self, connection: asyncpg.Connection, intent_id: str) -> asyncpg.Record | None:
        return await connection.fetchrow(f"SELECT {_COLUMNS} FROM intent WHERE id = $1 FOR UPDATE", intent_id)  # noqa: S608

    async def _record(self, connection: asyncpg.Connection, statement: str, step: Step, *, is_answered: bool) -> bool:
        after = step.after
        values = [
            asdict(after.means) if name == "means" else getattr(after, name) for name in Intent.__dataclass_fields__
        ]
        event_id = new_id("evt")
        event = {
            "id": event_id,
            "object": "event",
            "type": step.event,
            "created": after.updated_at.isoformat(),
            "data": {"object": self.shown(replace(after, action_secret=None))},
        }
        movement, due = step.movement or (None, 0), step.due or (None, None)
        written = await connection.fetchval(
            statement, *values, *movement, event_id, step.event, event, is_answered, *due
        )
        return written is not None


def same_request(made: Intent, request_hash: str) -> Intent:
    """The intent a key has made. Raises ApiError where the key was used for something else."""
    if made.request_hash != request_hash:
        raise in_use("The key was used for another request.")
    return made


def _declined(intent: Intent, code: str) -> Step:
    after = replace(intent, status="requires_payment_method", decline_code=code)
    return Step(after, "payment_intent.payment_failed")


def _canceled(intent: Intent) -> Step:
    released = ("RELEASE", intent.authorized_minor) if intent.authorized_minor else None
    return Step(replace(intent, status="canceled", authorized_minor=0), "payment_intent.canceled", released)


def _scheduled_step(intent: Intent, kind: str) -> Step | None:
    match kind, intent.status:
        case "transfer_ends", "processing":
            if intent.means.decline_code:
                return _declined(intent, intent.means.decline_code)
            amount = intent.amount_minor
            after = replace(intent, status="succeeded", authorized_minor=amount, captured_minor=amount)
            return Step(after, "payment_intent.succeeded", ("CAPTURE", amount))
        case "expire_action", "requires_action":
            return _declined(intent, "authentication_expired")
        case "expire_authorization", "requires_capture":
            return _canceled(intent)
        case "end_dispute", "succeeded":
            outcome = DISPUTE_OUTCOMES[intent.means.behaviour]
            returned = ("DISPUTE_WON", intent.disputed_minor) if outcome == "won" else None
            return Step(replace(intent, dispute_status=outcome), "charge.dispute.closed", returned)
        case _:
            return None


def _unexpected(intent: Intent, what: str) -> ApiError:
    return invalid("payment_intent_unexpected_state", f"A payment intent that is {intent.status} cannot be {what}.")


def _intent(row: asyncpg.Record | None) -> Intent | None:
    return None if row is None else Intent(**{**dict(row), "means": Means(**row["means"])})

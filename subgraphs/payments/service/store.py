"""Rows of payments: reading them, and writing one step of a payment with its ledger, events, tasks and answer.

A step is one statement guarded by the version that was read: whoever loses a race writes nothing and looks again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Outbox, record_clause, record_values
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, fetch
from common.subgraph.idempotency import Answer, IdempotentRequest, answer_clause, answer_values
from subgraphs.payments.domain.ledger import postings
from subgraphs.payments.domain.provider import Attempt
from subgraphs.payments.domain.status import TRANSITIONS, Payment, Refund, SavedMethod
from subgraphs.payments.domain.steps import Step
from subgraphs.payments.events import payment_moved
from subgraphs.payments.service.rows import (
    METHOD_COLUMNS,
    PAYMENT_COLUMNS,
    REFUND_COLUMNS,
    attempt_of,
    columns_of,
    method_of,
    payment_of,
    refund_of,
)

_PAYMENT = f"SELECT {PAYMENT_COLUMNS} FROM payment"
_REFUND = f"SELECT {REFUND_COLUMNS} FROM refund"
_ATTEMPT = f"""
SELECT {columns_of("p", PAYMENT_COLUMNS)}, a.id AS tried_id, a.token, a.saves_method
FROM payment p JOIN payment_attempt a
"""

# Everything depends on `written`: without the version that was read, nothing happens. What is known of a card is
# written when an attempt opens and never by a step, which would bring back what was forgotten meanwhile.
_WRITE = f"""
WITH written AS (
    UPDATE payment SET status = $3, version = $4, authorized_minor = $5, captured_minor = $6, refunded_minor = $7,
        decline_code = $8, provider_ref = $9, action_url = $10, action_expires_at = $11, dispute_status = $12,
        disputed_minor = $13, updated_at = $14
    WHERE id = $1 AND version = $2 AND status = ANY($15::text[]) RETURNING id
), tried AS (
    UPDATE payment_attempt SET state = $17, decline_code = $8 WHERE id = $16::uuid AND EXISTS (SELECT FROM written)
), posted AS (
    INSERT INTO ledger_posting (id, entry_id, payment_id, kind, account, amount_minor, currency, provider_ref,
        created_at)
    SELECT posting.id, posting.entry, $1, posting.kind, posting.account, posting.amount_minor, $18, posting.reference,
        $14
    FROM unnest($19::uuid[], $20::uuid[], $21::text[], $22::text[], $23::bigint[], $24::text[])
        AS posting (id, entry, kind, account, amount_minor, reference)
    WHERE EXISTS (SELECT FROM written)
), closed AS (
    DELETE FROM provider_task WHERE (kind, subject_id) IN (SELECT * FROM unnest($25::text[], $26::uuid[]))
        AND EXISTS (SELECT FROM written)
), delayed AS (
    UPDATE provider_task SET next_at = $29::timestamptz WHERE kind = $27::text AND subject_id = $28::uuid
        AND EXISTS (SELECT FROM written)
), {{saved}}
{record_clause(30, only_if="written")}, {answer_clause(37, only_if="written")}
SELECT id FROM written
"""
_SAVE = """
INSERT INTO payment_method (id, customer_id, kind, token, brand, last4, exp_month, exp_year, funding, fingerprint,
    created_at, is_default)
SELECT {id}, {customer}, {kind}, {token}, {brand}, {last4}, {month}, {year}, {funding}, {fingerprint}, {at},
    NOT EXISTS (SELECT FROM payment_method WHERE customer_id = {customer} AND is_default AND deleted_at IS NULL)
{condition} ON CONFLICT DO NOTHING RETURNING id
"""
_SAVE_FIELDS = ("id", "customer", "kind", "token", "brand", "last4", "month", "year", "funding", "fingerprint", "at")
_SAVE_TYPES = ("uuid", "uuid", "text", "text", "text", "text", "int", "int", "text", "text", "timestamptz")
_TASK = """
INSERT INTO provider_task (id, payment_id, kind, subject_id, amount_minor, next_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, subject_id) DO NOTHING
"""


def save_statement(first: int, condition: str) -> str:
    """INSERT of a saved method whose placeholders begin with `$first`; nothing where the customer has the card."""
    named = {name: f"${first + n}::{_SAVE_TYPES[n]}" for n, name in enumerate(_SAVE_FIELDS)}
    return _SAVE.format(**named, condition=condition)


def save_values(method: SavedMethod) -> list[Any]:
    means = method.means
    known = [means.kind.value, method.token, means.brand, means.last4, means.exp_month, means.exp_year]
    return [method.id, method.customer_id, *known, means.funding, means.fingerprint, method.created_at]


_WRITE_PLAIN = _WRITE.format(saved="")
_WRITE_SAVING = _WRITE.format(saved=f"kept AS ({save_statement(40, 'WHERE EXISTS (SELECT FROM written)')}),")


class TaskKind(StrEnum):
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"
    #: what an attempt holds that another one has taken the place of
    ABANDON = "ABANDON"


class StaleError(Exception):
    """Somebody else has moved the payment meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is written together with a step."""

    #: the state that the present attempt ends in, if it ends
    attempt_state: str | None = None
    closes: Sequence[tuple[TaskKind, UUID]] = ()
    #: a task that stays, and when it is due
    delays: tuple[TaskKind, UUID, datetime] | None = None
    saves: SavedMethod | None = None
    answers: tuple[IdempotentRequest, Answer] | None = None
    actor: str | None = None


_NOTHING_ELSE = Change()


@dataclass(frozen=True, slots=True)
class PaymentStore:
    database: Database
    clock: Clock
    outbox: Outbox

    async def by_ids(self, ids: Sequence[UUID]) -> list[Payment]:
        return await self._payments("id = ANY($1::uuid[])", ids)

    async def by_id(self, payment_id: UUID) -> Payment:
        (payment,) = await self.by_ids([payment_id])
        return payment

    async def by_orders(self, order_ids: Sequence[UUID]) -> list[Payment]:
        """Payments of the orders, oldest first."""
        return await self._payments("order_id = ANY($1::uuid[]) ORDER BY id", order_ids)

    async def refunds(self, payment_ids: Sequence[UUID]) -> list[Refund]:
        """Refunds of the payments, oldest first."""
        return await self._refunds("payment_id = ANY($1::uuid[]) ORDER BY id", payment_ids)

    async def refunds_by_id(self, ids: Sequence[UUID]) -> list[Refund]:
        return await self._refunds("id = ANY($1::uuid[])", ids)

    async def attempt(self, payment_id: UUID) -> tuple[Payment, Attempt] | None:
        """A payment and its present attempt; None where there is no such payment."""
        return await self._attempt("ON a.id = p.attempt_id WHERE p.id = $1", payment_id)

    async def attempt_by_id(self, attempt_id: UUID) -> tuple[Payment, Attempt] | None:
        """An attempt, which may be an earlier one, and its payment; None where there is no such attempt."""
        return await self._attempt("ON p.id = a.payment_id WHERE a.id = $1", attempt_id)

    async def methods(self, customer_ids: Sequence[UUID]) -> list[SavedMethod]:
        """Means of payment the customers keep: the default one first, then the newest."""
        rows = await self.database.fetch(
            f"""SELECT {METHOD_COLUMNS} FROM payment_method
                WHERE customer_id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY is_default DESC, id DESC""",
            [list(customer_ids)],
        )
        return [method_of(row) for row in rows]

    async def method(self, method_id: UUID) -> SavedMethod | None:
        rows = await self.database.fetch(
            f"SELECT {METHOD_COLUMNS} FROM payment_method WHERE id = $1 AND deleted_at IS NULL", [method_id]
        )
        return method_of(rows[0]) if rows else None

    async def lock(self, connection: SqlConnection, payment_id: UUID) -> Payment | None:
        rows = await fetch(connection, f"{_PAYMENT} WHERE id = $1 FOR UPDATE", [payment_id])
        return payment_of(rows[0]) if rows else None

    async def lock_of_order(self, connection: SqlConnection, order_id: UUID) -> list[Payment]:
        rows = await fetch(connection, f"{_PAYMENT} WHERE order_id = $1 ORDER BY id FOR UPDATE", [order_id])
        return [payment_of(row) for row in rows]

    async def write(self, before: Payment, step: Step, change: Change | None = None) -> Payment:
        """One statement, in the current transaction if there is one; returns `step.after`. Raises StaleError."""
        change = change or _NOTHING_ELSE
        after = step.after
        events = [payment_moved(what, payment, self.clock, user_id=change.actor) for what, payment in step.told]
        booked = [(entry, uuid7(), posting) for entry in step.entries for posting in postings(entry)]
        entry_ids = {entry: uuid7() for entry in step.entries}
        answer: list[Any] = answer_values(*change.answers) if change.answers else [None, None, None]
        values = [
            before.id,
            before.version,
            after.status.value,
            after.version,
            after.authorized_minor,
            after.captured_minor,
            after.refunded_minor,
            after.decline_code,
            after.provider_ref,
            after.action_url,
            after.action_expires_at,
            after.dispute_status.value if after.dispute_status else None,
            after.disputed_minor,
            after.updated_at,
            _sources(before, after),
            before.attempt_id if change.attempt_state else None,
            change.attempt_state,
            after.currency,
            [posting_id for _, posting_id, _ in booked],
            [entry_ids[entry] for entry, _, _ in booked],
            [entry.kind.value for entry, _, _ in booked],
            [posting.account.value for _, _, posting in booked],
            [posting.amount_minor for _, _, posting in booked],
            [entry.reference for entry, _, _ in booked],
            [kind.value for kind, _ in change.closes],
            [subject_id for _, subject_id in change.closes],
            *(change.delays or (None, None, None)),
            *record_values(*events),
            *answer,
        ]
        if change.saves is not None:
            values += save_values(change.saves)
        written = await self.database.fetch(_WRITE_SAVING if change.saves else _WRITE_PLAIN, values)
        if not written:
            raise StaleError
        if events:
            self.outbox.wake()
        return after

    async def open_task(
        self,
        connection: SqlConnection,
        payment_id: UUID,
        kind: TaskKind,
        subject_id: UUID,
        at: datetime,
        amount_minor: int | None = None,
    ) -> None:
        """From `at` on a worker asks the provider, unless the task is closed first; a task that exists stays."""
        await fetch(connection, _TASK, [uuid7(), payment_id, kind.value, subject_id, amount_minor, at])

    async def close_task(self, kind: TaskKind, subject_id: UUID) -> None:
        """In the current transaction if there is one."""
        await self.database.fetch(
            "DELETE FROM provider_task WHERE kind = $1 AND subject_id = $2", [kind.value, subject_id]
        )

    async def _attempt(self, condition: str, value: UUID) -> tuple[Payment, Attempt] | None:
        rows = await self.database.fetch(f"{_ATTEMPT} {condition}", [value])
        if not rows:
            return None
        payment = payment_of(rows[0])
        return payment, attempt_of(payment, rows[0])

    async def _payments(self, condition: str, ids: Sequence[UUID]) -> list[Payment]:
        rows = await self.database.fetch(f"{_PAYMENT} WHERE {condition}", [list(ids)])
        return [payment_of(row) for row in rows]

    async def _refunds(self, condition: str, ids: Sequence[UUID]) -> list[Refund]:
        rows = await self.database.fetch(f"{_REFUND} WHERE {condition}", [list(ids)])
        return [refund_of(row) for row in rows]


def _sources(before: Payment, after: Payment) -> list[str]:
    """Statuses from which the step is legal, by the table of transitions; none where it is not."""
    if before.status is after.status or after.status in TRANSITIONS[before.status]:
        return [before.status.value]
    return []

"""Rows of payments: reading them, and writing one step of a payment with its ledger, its event and its open tasks.

Whoever writes is in a transaction and holds the lock on the payment's row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from common.clock import Clock
from common.events import Event, Outbox
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.payments.domain.ledger import EntryKind, postings
from subgraphs.payments.domain.status import TRANSITIONS, Payment, PaymentStatus, Refund, RefundStatus

_PAYMENT = """SELECT id, order_id, order_number, customer_id, status, amount_minor, authorized_minor, captured_minor,
    refunded_minor, currency, card_brand, card_last4, decline_code, provider_ref, created_at, updated_at, version
    FROM payment"""
_REFUND = "SELECT id, payment_id, amount_minor, currency, status, reason, created_at FROM refund"
_UPDATE = """
UPDATE payment SET status = $3, authorized_minor = $4, captured_minor = $5, refunded_minor = $6, card_brand = $7,
    card_last4 = $8, decline_code = $9, provider_ref = $10, updated_at = $11, version = $12
WHERE id = $1 AND status = ANY($2::text[]) AND version = $12 - 1 RETURNING id
"""
_POST = """
INSERT INTO ledger_posting (id, entry_id, payment_id, kind, account, amount_minor, currency, provider_ref, created_at)
SELECT posting.id, $3, $4, $5, posting.account, posting.amount_minor, $6, $7, $8
FROM unnest($1::uuid[], $2::text[], $9::bigint[]) AS posting(id, account, amount_minor)
"""
_TASK = """
INSERT INTO provider_task (id, payment_id, kind, subject_id, next_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, subject_id) DO NOTHING
"""


class TaskKind(StrEnum):
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class PaymentStore:
    database: Database
    clock: Clock
    outbox: Outbox

    async def by_ids(self, ids: Sequence[UUID]) -> list[Payment]:
        return await self._payments("id = ANY($1::uuid[])", ids)

    async def by_orders(self, order_ids: Sequence[UUID]) -> list[Payment]:
        """Payments of the orders, oldest first."""
        return await self._payments("order_id = ANY($1::uuid[]) ORDER BY id", order_ids)

    async def refunds(self, payment_ids: Sequence[UUID]) -> list[Refund]:
        """Refunds of the payments, oldest first."""
        return await self._refunds("payment_id = ANY($1::uuid[]) ORDER BY id", payment_ids)

    async def refunds_by_id(self, ids: Sequence[UUID]) -> list[Refund]:
        return await self._refunds("id = ANY($1::uuid[])", ids)

    async def lock(self, connection: SqlConnection, payment_id: UUID) -> Payment | None:
        rows = await fetch(connection, f"{_PAYMENT} WHERE id = $1 FOR UPDATE", [payment_id])
        return payment_of(rows[0]) if rows else None

    async def lock_of_order(self, connection: SqlConnection, order_id: UUID) -> list[Payment]:
        rows = await fetch(connection, f"{_PAYMENT} WHERE order_id = $1 ORDER BY id FOR UPDATE", [order_id])
        return [payment_of(row) for row in rows]

    async def write(self, connection: SqlConnection, before: Payment, after: Payment, event: Event | None) -> None:
        """The step from `before`, whose row is locked, to `after`; guarded by the table of transitions and by SQL."""
        sources = [status.value for status, targets in TRANSITIONS.items() if after.status in targets]
        if before.status is after.status:
            sources = [after.status.value]
        written = await fetch(
            connection,
            _UPDATE,
            [
                after.id,
                sources,
                after.status.value,
                after.authorized_minor,
                after.captured_minor,
                after.refunded_minor,
                after.card_brand,
                after.card_last4,
                after.decline_code,
                after.provider_ref,
                after.updated_at,
                after.version,
            ],
        )
        if not written:
            raise RuntimeError(f"a payment cannot go from {before.status} to {after.status}")
        if event is not None:
            await self.outbox.add(connection, event)

    async def post(
        self, connection: SqlConnection, payment: Payment, kind: EntryKind, amount_minor: int, reference: str
    ) -> None:
        """One balanced entry. `reference` names the movement at the provider: the same one cannot be booked twice."""
        entry = postings(kind, amount_minor)
        await fetch(
            connection,
            _POST,
            [
                [uuid7() for _ in entry],
                [posting.account.value for posting in entry],
                uuid7(),
                payment.id,
                kind.value,
                payment.currency,
                reference,
                self.clock.now(),
                [posting.amount_minor for posting in entry],
            ],
        )

    async def open_task(
        self, connection: SqlConnection, payment_id: UUID, kind: TaskKind, subject_id: UUID, at: datetime
    ) -> None:
        """From `at` on a worker asks the provider, unless `close_task` comes first; a task that exists stays."""
        await fetch(connection, _TASK, [uuid7(), payment_id, kind.value, subject_id, at])

    async def close_task(self, connection: SqlConnection, kind: TaskKind, subject_id: UUID) -> None:
        await fetch(
            connection, "DELETE FROM provider_task WHERE kind = $1 AND subject_id = $2", [kind.value, subject_id]
        )

    async def _payments(self, condition: str, ids: Sequence[UUID]) -> list[Payment]:
        rows = await self.database.fetch(f"{_PAYMENT} WHERE {condition}", [list(ids)])
        return [payment_of(row) for row in rows]

    async def _refunds(self, condition: str, ids: Sequence[UUID]) -> list[Refund]:
        rows = await self.database.fetch(f"{_REFUND} WHERE {condition}", [list(ids)])
        return [refund_of(row) for row in rows]


def payment_of(row: Row) -> Payment:
    return Payment(
        id=row["id"],
        order_id=row["order_id"],
        order_number=row["order_number"],
        customer_id=row["customer_id"],
        status=PaymentStatus(row["status"]),
        amount_minor=row["amount_minor"],
        authorized_minor=row["authorized_minor"],
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        currency=row["currency"],
        card_brand=row["card_brand"],
        card_last4=row["card_last4"],
        decline_code=row["decline_code"],
        provider_ref=row["provider_ref"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def refund_of(row: Row) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        status=RefundStatus(row["status"]),
        reason=row["reason"],
        created_at=row["created_at"],
    )

"""Giving money back, in whole or in parts: never more than was taken, however many ask at once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.money import Money
from common.subgraph.database import Database, fetch
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from common.text import is_printable_line
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.domain.status import Payment, PaymentStatus
from subgraphs.payments.errors import (
    InvalidInput,
    NotFound,
    PaymentError,
    ProviderUnavailable,
)
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore, TaskKind

REASON_LENGTH_MAX = 500
RECOVER_AFTER = timedelta(seconds=20)
_REFUNDABLE = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED})
_PENDING = """
SELECT coalesce(sum(amount_minor), 0)::bigint AS minor FROM refund WHERE payment_id = $1 AND status = 'PENDING'
"""
_INSERT = """
INSERT INTO refund (id, payment_id, amount_minor, currency, status, reason, created_at)
VALUES ($1, $2, $3, $4, 'PENDING', $5, $6)
"""


@dataclass(frozen=True, slots=True)
class Refunding:
    database: Database
    clock: Clock
    provider: PaymentProvider
    store: PaymentStore
    settling: Settling

    async def refund(self, actor: str, payment_id: UUID, amount: Money | None, reason: str | None, key: str) -> UUID:
        """Id of the refund, SUCCEEDED or, when the provider did not answer, PENDING. `amount` None: all that is left.

        Raises NotFound, InvalidInput, IdempotencyConflictedError, IdempotencyInFlightError.
        """

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            try:
                payment = await self.store.lock(connection, payment_id)
                if payment is None:
                    raise NotFound("There is no such payment.", ["paymentId"])
                return {"id": str(await self.open(connection, payment, amount, reason))}
            except PaymentError as exc:
                raise RejectedError(exc.to_answer()) from exc

        body = {"payment_id": payment_id, "amount": str(amount) if amount else None, "reason": reason}
        request = IdempotentRequest(actor, "refundCreate", key, body)
        outcome = await run_idempotent(self.database, self.clock, request, effect)
        PaymentError.raise_if_refused(outcome.answer)
        refund_id = UUID(outcome.answer["id"])
        if not outcome.is_replay:
            await self.carry_out(refund_id)
        return refund_id

    async def open(self, connection: SqlConnection, payment: Payment, amount: Money | None, reason: str | None) -> UUID:
        """A pending refund of a payment whose row is locked, and the task to carry it out. Raises InvalidInput."""
        if payment.status not in _REFUNDABLE:
            raise InvalidInput(f"A payment that is {payment.status} cannot be refunded.", ["paymentId"])
        if reason is not None and (len(reason) > REASON_LENGTH_MAX or not is_printable_line(reason)):
            raise InvalidInput(f"A reason has at most {REASON_LENGTH_MAX} printable characters.", ["reason"])
        left = await self._left(connection, payment)
        wanted = amount or left
        if wanted.currency != payment.currency or not 0 < wanted.amount_minor <= left.amount_minor:
            raise InvalidInput(f"{left} can be refunded.", ["amount"])
        # the caller carries it out as soon as this has committed; the worker only if that fails
        return await self._insert(connection, payment, wanted, reason, RECOVER_AFTER)

    async def open_rest(self, connection: SqlConnection, payment: Payment) -> None:
        """Pending refund of all that is left of a payment whose order was cancelled; nothing may be left."""
        left = await self._left(connection, payment)
        if left.amount_minor > 0:
            await self._insert(connection, payment, left, "order cancelled", timedelta())

    async def _left(self, connection: SqlConnection, payment: Payment) -> Money:
        """Taken, and neither given back nor about to be."""
        pending = await fetch(connection, _PENDING, [payment.id])
        return Money(payment.captured_minor - payment.refunded_minor - pending[0]["minor"], payment.currency)

    async def _insert(
        self, connection: SqlConnection, payment: Payment, wanted: Money, reason: str | None, delay: timedelta
    ) -> UUID:
        """A pending refund, and the task for the worker to carry it out after `delay`."""
        refund_id, now = uuid7(), self.clock.now()
        await fetch(connection, _INSERT, [refund_id, payment.id, wanted.amount_minor, wanted.currency, reason, now])
        await self.store.open_task(connection, payment.id, TaskKind.REFUND, refund_id, now + delay)
        return refund_id

    async def carry_out(self, refund_id: UUID) -> None:
        """Ask the provider and write it down; where it does not answer, the task remains for the worker."""
        try:
            await self.settle(refund_id)
        except ProviderUnavailable:
            return

    async def settle(self, refund_id: UUID) -> None:
        """Raises ProviderUnavailable."""
        (refund,) = await self.store.refunds_by_id([refund_id])
        (payment,) = await self.store.by_ids([refund.payment_id])
        if payment.provider_ref is None:
            raise RuntimeError("a captured payment has a charge")
        await self.provider.refund(str(refund.id), payment.provider_ref, refund.amount_minor)
        async with self.database.transaction() as connection:
            await self.settling.refunded(connection, refund)

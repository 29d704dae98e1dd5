"""Giving money back, in whole or in parts: never more than was taken, however many ask at once.

Whoever lacks `payments:write` may give back so much a day (R19 and the limit both hold under a lock: the payment's row,
and an advisory one of the person).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import uuid7
from common.money import Money
from common.subgraph.database import Database, fetch
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from common.text import is_printable_line
from subgraphs.payments.domain.provider import DisputeStatus, PaymentProvider
from subgraphs.payments.domain.status import Payment, PaymentStatus
from subgraphs.payments.domain.tokens import holds_card_number
from subgraphs.payments.errors import (
    InvalidInput,
    NotFound,
    PaymentError,
    ProviderRefused,
    ProviderUnavailable,
    RefundLimitExceeded,
)
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore, TaskKind

REASON_LENGTH_MAX = 500
RECOVER_AFTER = timedelta(seconds=20)
#: what the provider says to a refund of a charge whose money it keeps back
_DISPUTED = "charge_disputed"
_REFUNDABLE = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED})
_PENDING = """
SELECT coalesce(sum(amount_minor), 0)::bigint AS minor FROM refund WHERE payment_id = $1 AND status = 'PENDING'
"""
_INSERT = """
INSERT INTO refund (id, payment_id, amount_minor, currency, status, reason, requested_by, created_at)
VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $7)
"""
_TODAY = """
SELECT coalesce(sum(amount_minor), 0)::bigint AS minor FROM refund
WHERE requested_by = $1 AND currency = $2 AND status <> 'FAILED' AND created_at >= date_trunc('day', $3::timestamptz)
"""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('refund limit ' || $1, 0))"


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """`amount` None: all that is left."""

    actor: str
    is_limited: bool
    payment_id: UUID
    amount: Money | None
    reason: str | None
    key: str


@dataclass(frozen=True, slots=True)
class Refunding:
    database: Database
    clock: Clock
    provider: PaymentProvider
    store: PaymentStore
    settling: Settling
    #: currency -> minor units that somebody with a limit may give back in a day (UTC)
    limits: Mapping[str, int]

    async def refund(self, wanted: RefundRequest) -> UUID:
        """Id of the refund, SUCCEEDED or, when the provider did not answer, PENDING.

        Raises NotFound, InvalidInput, RefundLimitExceeded, IdempotencyConflictedError, IdempotencyInFlightError.
        """
        if holds_card_number(f"{wanted.key} {wanted.reason or ''}"):
            raise InvalidInput("Neither key nor reason may hold a card number.", ["reason"])

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            try:
                return {"id": str(await self._open(connection, wanted))}
            except PaymentError as exc:
                raise RejectedError(exc.to_answer()) from exc

        amount = str(wanted.amount) if wanted.amount else None
        body = {"payment_id": wanted.payment_id, "amount": amount, "reason": wanted.reason}
        request = IdempotentRequest(wanted.actor, "refundCreate", wanted.key, body)
        outcome = await run_idempotent(self.database, self.clock, request, effect)
        PaymentError.raise_if_refused(outcome.answer)
        refund_id = UUID(outcome.answer["id"])
        if not outcome.is_replay:
            failpoint("payments.refund.after_commit")
            await self._carry_out(refund_id)
        return refund_id

    async def open_rest(self, connection: SqlConnection, payment: Payment) -> None:
        """Pending refund of all that is left of a payment whose order was cancelled; nothing may be left. Of a disputed
        one it waits for the bank, and is not made where the bank has been quicker."""
        left = await self._left(connection, payment)
        if left.amount_minor > 0 and payment.dispute_status is not DisputeStatus.LOST:
            await self._insert(connection, payment, left, "order cancelled", None, timedelta())

    async def settle(self, refund_id: UUID) -> None:
        """Asks the provider and writes it down. Raises ProviderUnavailable."""
        (refund,) = await self.store.refunds_by_id([refund_id])
        payment = await self.store.by_id(refund.payment_id)
        if payment.provider_ref is None:
            raise RuntimeError("a captured payment has a charge")
        try:
            await self.provider.refund(str(refund.id), payment.provider_ref, refund.amount_minor)
        except ProviderRefused as exc:
            if exc.code == _DISPUTED:
                await self._require_lost(payment, payment.provider_ref)
            await self.settling.not_refunded(refund)
            return
        await self.settling.refunded(refund)

    async def _require_lost(self, payment: Payment, reference: str) -> None:
        """A dispute was quicker than a refund: while the bank decides, nobody knows whether the customer will have had
        the money already. Raises ProviderUnavailable unless that is so."""
        settled = await self.settling.settle(payment, await self.provider.charge(reference))
        if settled.dispute_status is not DisputeStatus.LOST:
            raise ProviderUnavailable("the bank has not decided about the dispute")

    async def _open(self, connection: SqlConnection, wanted: RefundRequest) -> UUID:
        """A pending refund and the task to carry it out."""
        payment = await self.store.lock(connection, wanted.payment_id)
        if payment is None:
            raise NotFound("There is no such payment.", ["paymentId"])
        if payment.status not in _REFUNDABLE:
            raise InvalidInput(f"A payment that is {payment.status} cannot be refunded.", ["paymentId"])
        reason = wanted.reason
        if reason is not None and (len(reason) > REASON_LENGTH_MAX or not is_printable_line(reason)):
            raise InvalidInput(f"A reason has at most {REASON_LENGTH_MAX} printable characters.", ["reason"])
        if payment.dispute_status is DisputeStatus.OPEN:
            message = (
                "The customer disputes the charge, and the bank may give the money back: wait until it has decided."
            )
            raise InvalidInput(message, ["paymentId"])
        if payment.dispute_status is DisputeStatus.LOST:
            raise InvalidInput("The bank has given the money back to the customer, who disputed it.", ["paymentId"])
        left = await self._left(connection, payment)
        amount = wanted.amount or left
        if amount.currency != payment.currency or not 0 < amount.amount_minor <= left.amount_minor:
            raise InvalidInput(f"{left} can be refunded.", ["amount"])
        if wanted.is_limited:
            await self._check_limit(connection, wanted.actor, amount)
        # the caller carries it out as soon as this has committed; the worker only if that fails
        return await self._insert(connection, payment, amount, reason, wanted.actor, RECOVER_AFTER)

    async def _check_limit(self, connection: SqlConnection, actor: str, amount: Money) -> None:
        await fetch(connection, _ONE_AT_A_TIME, [actor])
        given = await fetch(connection, _TODAY, [actor, amount.currency, self.clock.now()])
        remaining = self.limits.get(amount.currency, 0) - given[0]["minor"]
        if amount.amount_minor > remaining:
            left = Money(max(0, remaining), amount.currency)
            raise RefundLimitExceeded(
                f"You may refund {left} more today.", ["amount"], left.amount_minor, left.currency
            )

    async def _left(self, connection: SqlConnection, payment: Payment) -> Money:
        """Taken, and neither given back nor about to be."""
        pending = await fetch(connection, _PENDING, [payment.id])
        return Money(payment.captured_minor - payment.refunded_minor - pending[0]["minor"], payment.currency)

    async def _insert(
        self,
        connection: SqlConnection,
        payment: Payment,
        wanted: Money,
        reason: str | None,
        actor: str | None,
        delay: timedelta,
    ) -> UUID:
        """A pending refund, and the task for the worker to carry it out after `delay`."""
        refund_id, now = uuid7(), self.clock.now()
        values = [refund_id, payment.id, wanted.amount_minor, wanted.currency, reason, actor, now]
        await fetch(connection, _INSERT, values)
        await self.store.open_task(connection, payment.id, TaskKind.REFUND, refund_id, now + delay)
        failpoint("payments.refund.before_commit")
        return refund_id

    async def _carry_out(self, refund_id: UUID) -> None:
        """Ask the provider and write it down; where it does not answer, the task remains for the worker."""
        try:
            await self.settle(refund_id)
        except ProviderUnavailable:
            return

"""Writing down what the provider said: each step once, whoever brings the answer and however often.

A step locks the payment, looks whether it is due at all, and writes row, ledger, event and task in one transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from common.events.sql import SqlConnection
from common.subgraph.database import fetch
from subgraphs.payments.domain.ledger import EntryKind
from subgraphs.payments.domain.provider import Charge, ChargeState
from subgraphs.payments.domain.status import Payment, PaymentStatus, Refund, refund_result
from subgraphs.payments.events import payment_moved
from subgraphs.payments.service.store import PaymentStore, TaskKind

_ATTEMPT = "UPDATE payment_attempt SET state = $2, decline_code = $3 WHERE id = $1 AND state = 'OPEN' RETURNING id"


@dataclass(frozen=True, slots=True)
class Settling:
    store: PaymentStore

    async def authorized_or_declined(
        self, connection: SqlConnection, payment_id: UUID, attempt_id: UUID, charge: Charge, actor: str | None
    ) -> None:
        """The outcome of an attempt; a second time it changes nothing."""
        payment = await self._locked(connection, payment_id)
        state = "DECLINED" if charge.state is ChargeState.DECLINED else "AUTHORIZED"
        is_first = await fetch(connection, _ATTEMPT, [attempt_id, state, charge.decline_code])
        if is_first and charge.state is ChargeState.DECLINED:
            await self._declined(connection, payment, charge, actor)
        elif is_first:
            await self._authorized(connection, payment, charge, actor)
        await self.store.close_task(connection, TaskKind.AUTHORIZE, attempt_id)

    async def captured(self, connection: SqlConnection, payment_id: UUID, charge: Charge) -> None:
        payment = await self._locked(connection, payment_id)
        if payment.status is PaymentStatus.AUTHORIZED and charge.state is ChargeState.CAPTURED:
            after = replace(self._next(payment, PaymentStatus.CAPTURED), captured_minor=charge.captured_minor)
            await self.store.write(connection, payment, after, payment_moved("captured", after, self.store.clock))
            await self.store.post(connection, after, EntryKind.CAPTURE, charge.captured_minor, charge.reference)
        await self.store.close_task(connection, TaskKind.CAPTURE, payment_id)

    async def voided(self, connection: SqlConnection, payment_id: UUID, charge: Charge) -> None:
        payment = await self._locked(connection, payment_id)
        if payment.status is PaymentStatus.AUTHORIZED and charge.state is ChargeState.VOIDED:
            after = self._next(payment, PaymentStatus.VOIDED)
            await self.store.write(connection, payment, after, payment_moved("voided", after, self.store.clock))
            await self.store.post(connection, after, EntryKind.VOID, payment.authorized_minor, charge.reference)
        await self.store.close_task(connection, TaskKind.VOID, payment_id)

    async def dropped(self, connection: SqlConnection, payment: Payment) -> None:
        """A payment that waits for a means of payment, and whose order is gone: there is nothing to give back."""
        after = self._next(payment, PaymentStatus.VOIDED)
        await self.store.write(connection, payment, after, payment_moved("voided", after, self.store.clock))

    async def refunded(self, connection: SqlConnection, refund: Refund) -> None:
        """The provider has given the money of a pending refund back."""
        payment = await self._locked(connection, refund.payment_id)
        is_first = await fetch(
            connection,
            "UPDATE refund SET status = 'SUCCEEDED' WHERE id = $1 AND status = 'PENDING' RETURNING id",
            [refund.id],
        )
        if is_first:
            refunded_minor = payment.refunded_minor + refund.amount_minor
            status = refund_result(payment.captured_minor, refunded_minor)
            after = replace(self._next(payment, status), refunded_minor=refunded_minor)
            await self.store.write(connection, payment, after, payment_moved("refunded", after, self.store.clock))
            await self.store.post(connection, after, EntryKind.REFUND, refund.amount_minor, str(refund.id))
        await self.store.close_task(connection, TaskKind.REFUND, refund.id)

    async def _authorized(self, connection: SqlConnection, payment: Payment, charge: Charge, actor: str | None) -> None:
        after = replace(
            self._next(payment, PaymentStatus.AUTHORIZED),
            authorized_minor=charge.amount_minor,
            provider_ref=charge.reference,
            decline_code=None,
        )
        event = payment_moved("authorized", after, self.store.clock, user_id=actor)
        await self.store.write(connection, payment, after, event)
        await self.store.post(connection, after, EntryKind.AUTHORIZATION, charge.amount_minor, charge.reference)

    async def _declined(self, connection: SqlConnection, payment: Payment, charge: Charge, actor: str | None) -> None:
        code = charge.decline_code or "generic_decline"
        after = replace(self._next(payment, PaymentStatus.REQUIRES_METHOD), decline_code=code)
        event = payment_moved("declined", after, self.store.clock, user_id=actor, decline_code=code)
        await self.store.write(connection, payment, after, event)

    async def _locked(self, connection: SqlConnection, payment_id: UUID) -> Payment:
        payment = await self.store.lock(connection, payment_id)
        if payment is None:
            raise RuntimeError("payments are never deleted")
        return payment

    def _next(self, payment: Payment, status: PaymentStatus) -> Payment:
        now: datetime = self.store.clock.now()
        return replace(payment, status=status, version=payment.version + 1, updated_at=now)

"""Asking the provider for what is owed: open attempts, captures, voids, refunds, until each has its answer.

Orders decides: a confirmed order is captured, a cancelled one voided or refunded, an authorisation it refuses voided.
Here the decision becomes a row (in the transaction of the inbox), a worker leases the row, asks the provider outside of
any transaction, and writes the answer down. A capture is legally owed: it is tried for ever.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from common.events import Event
from common.events.sql import SqlConnection
from common.subgraph.due import Signal
from subgraphs.payments.domain.provider import Charge, ChargeState, PaymentProvider
from subgraphs.payments.domain.status import Payment, PaymentStatus
from subgraphs.payments.errors import ProviderUnavailable
from subgraphs.payments.events import ORDER_CANCELLED, ORDER_CONFIRMED, order_id_of, payment_id_of
from subgraphs.payments.service.paying import load_attempt
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore, TaskKind

BATCH = 20
#: a worker that takes longer is taken for dead
LEASE = timedelta(seconds=15)
RETRY_CAP_S = 300.0

_LEASE = """
UPDATE provider_task SET next_at = $2, attempts = attempts + 1 WHERE id IN (
    SELECT id FROM provider_task WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING payment_id, kind, subject_id, attempts
"""
_RETRY = "UPDATE provider_task SET next_at = $3, last_error = $4 WHERE kind = $1 AND subject_id = $2"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Consumer of what orders decides."""

    store: PaymentStore
    settling: Settling
    refunding: Refunding
    signal: Signal

    async def decided(self, connection: SqlConnection, event: Event) -> None:
        payments = await self.store.lock_of_order(connection, order_id_of(event))
        for payment in payments:
            if event.type == ORDER_CONFIRMED:
                await self._capture(connection, payment)
            elif event.type == ORDER_CANCELLED or payment.id == payment_id_of(event):
                await self._give_back(connection, payment)
        self.signal.wake()

    async def _capture(self, connection: SqlConnection, payment: Payment) -> None:
        if payment.status is PaymentStatus.AUTHORIZED:
            now = self.store.clock.now()
            await self.store.open_task(connection, payment.id, TaskKind.CAPTURE, payment.id, now)

    async def _give_back(self, connection: SqlConnection, payment: Payment) -> None:
        """An open attempt is left alone: once it is authorised, orders refuses it, and that comes here again."""
        match payment.status:
            case PaymentStatus.AUTHORIZED:
                now = self.store.clock.now()
                await self.store.close_task(connection, TaskKind.CAPTURE, payment.id)
                await self.store.open_task(connection, payment.id, TaskKind.VOID, payment.id, now)
            case PaymentStatus.CAPTURED | PaymentStatus.PARTIALLY_REFUNDED:
                await self.refunding.open_rest(connection, payment)
            case PaymentStatus.REQUIRES_METHOD:
                await self.settling.dropped(connection, payment)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class DueTasks:
    """Takes the tasks that are due."""

    store: PaymentStore
    provider: PaymentProvider
    settling: Settling
    refunding: Refunding

    async def take_due(self) -> int:
        """One batch; the number of tasks taken or tried."""
        now = self.store.clock.now()
        due = await self.store.database.fetch(_LEASE, [now, now + LEASE, BATCH])
        await asyncio.gather(
            *(self._take(row["payment_id"], TaskKind(row["kind"]), row["subject_id"], row["attempts"]) for row in due)
        )
        return len(due)

    async def _take(self, payment_id: UUID, kind: TaskKind, subject_id: UUID, attempts: int) -> None:
        try:
            await self._settle(payment_id, kind, subject_id)
        except ProviderUnavailable as exc:
            await self._retry(kind, subject_id, attempts, exc)
        except Exception as exc:
            # border: one payment's trouble must not stop the others; it shows in the table and in the log
            _log.exception("a task at the provider failed", kind=kind.value, subject_id=str(subject_id))
            await self._retry(kind, subject_id, attempts, exc)

    async def _settle(self, payment_id: UUID, kind: TaskKind, subject_id: UUID) -> None:
        match kind:
            case TaskKind.AUTHORIZE:
                await self._authorize(payment_id, subject_id)
            case TaskKind.REFUND:
                await self.refunding.settle(subject_id)
            case TaskKind.CAPTURE | TaskKind.VOID:
                await self._capture_or_void(payment_id, kind)

    async def _authorize(self, payment_id: UUID, attempt_id: UUID) -> None:
        async with self.store.database.transaction() as connection:
            attempt = await load_attempt(connection, attempt_id)
        if attempt is None:
            raise RuntimeError("attempts are never deleted")
        key = str(attempt_id)
        # never assume a failure: what the provider knows under this key counts
        charge = await self.provider.find(key) or await self.provider.authorize(
            key, attempt.token, attempt.amount_minor, attempt.currency
        )
        async with self.store.database.transaction() as connection:
            await self.settling.authorized_or_declined(connection, payment_id, attempt_id, charge, None)

    async def _capture_or_void(self, payment_id: UUID, kind: TaskKind) -> None:
        (payment,) = await self.store.by_ids([payment_id])
        if payment.provider_ref is None:
            raise RuntimeError("an authorised payment has a charge")
        if kind is TaskKind.CAPTURE:
            charge = await self.provider.capture(payment.provider_ref, payment.amount_minor)
        else:
            charge = await self.provider.void(payment.provider_ref)
        async with self.store.database.transaction() as connection:
            if charge.state is ChargeState.CAPTURED:
                await self.settling.captured(connection, payment_id, charge)
            if kind is TaskKind.VOID:
                await self._end_void(connection, payment_id, charge)

    async def _end_void(self, connection: SqlConnection, payment_id: UUID, charge: Charge) -> None:
        """A capture may have been faster than the void: then the money goes back as a refund."""
        await self.settling.voided(connection, payment_id, charge)
        payment = await self.store.lock(connection, payment_id)
        if payment is not None and payment.status is PaymentStatus.CAPTURED:
            await self.refunding.open_rest(connection, payment)

    async def _retry(self, kind: TaskKind, subject_id: UUID, attempts: int, error: Exception) -> None:
        delay_s = min(RETRY_CAP_S, 0.5 * 2.0 ** min(attempts, 12)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        at = self.store.clock.now() + timedelta(seconds=delay_s)
        await self.store.database.fetch(_RETRY, [kind.value, subject_id, at, repr(error)[:500]])

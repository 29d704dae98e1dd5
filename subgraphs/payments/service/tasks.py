"""Asking the provider for what is owed: open attempts, and those given up, captures, voids, refunds, until each has its
answer.

A decision becomes a row first; a worker leases the row, asks the provider outside of any transaction, and writes the
answer down. A capture is legally owed: it is tried for ever.
"""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog

from common.failpoints import failpoint
from common.subgraph.database import Row
from common.subgraph.due import Signal
from subgraphs.payments.domain.provider import Charge, ChargeState, PaymentProvider
from subgraphs.payments.domain.status import OPEN, Payment, PaymentStatus
from subgraphs.payments.errors import ProviderRefused, ProviderUnavailable
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.rows import PAYMENT_COLUMNS, columns_of, payment_of
from subgraphs.payments.service.settling import ASK_AGAIN_AFTER, Settling
from subgraphs.payments.service.store import PaymentStore, TaskKind

BATCH = 20
#: a worker that takes longer is taken for dead
LEASE = timedelta(seconds=15)
RETRY_CAP_S = 300.0

_LEASE = f"""
UPDATE provider_task t SET next_at = $2, attempts = t.attempts + 1 FROM payment p
WHERE t.id IN (SELECT id FROM provider_task WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
    AND p.id = t.payment_id
RETURNING t.kind, t.subject_id, t.attempts, t.amount_minor AS task_minor, {columns_of("p", PAYMENT_COLUMNS)}
"""
_RETRY = "UPDATE provider_task SET next_at = $3, last_error = $4 WHERE kind = $1 AND subject_id = $2"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A leased one, with the payment as it was at the lease. `amount_minor` of a capture; None: all of it."""

    kind: TaskKind
    subject_id: UUID
    attempts: int
    amount_minor: int | None
    payment: Payment


@dataclass(frozen=True, slots=True)
class DueTasks:
    """Takes the tasks that are due, and those whose lease came with their row."""

    store: PaymentStore
    provider: PaymentProvider
    settling: Settling
    refunding: Refunding
    signal: Signal
    handed_over: deque[Task] = field(default_factory=deque)

    def hand_over(self, task: Task) -> None:
        """A task leased by who wrote its row: the worker need not look for it."""
        self.handed_over.append(task)
        self.signal.wake()

    async def take_due(self) -> int:
        """One batch; the number of tasks taken or tried."""
        tasks = [self.handed_over.popleft() for _ in range(min(BATCH, len(self.handed_over)))]
        if not tasks:
            now = self.store.clock.now()
            tasks = [task_of(row) for row in await self.store.database.fetch(_LEASE, [now, now + LEASE, BATCH])]
        await asyncio.gather(*(self.take(task) for task in tasks))
        return len(tasks) if not self.handed_over else BATCH

    async def take(self, task: Task) -> None:
        """Tries a task that is leased; where it cannot be done now, it is due again later."""
        try:
            await self._carry_out(task)
        except ProviderUnavailable as exc:
            await self._retry(task, exc)
        except Exception as exc:
            # border: one payment's trouble must not stop the others; it shows in the table and in the log
            _log.exception("a task at the provider failed", kind=task.kind.value, subject_id=str(task.subject_id))
            await self._retry(task, exc)

    async def _carry_out(self, task: Task) -> None:
        match task.kind:
            case TaskKind.AUTHORIZE:
                await self._authorize(task)
            case TaskKind.REFUND:
                await self.refunding.settle(task.subject_id)
            case TaskKind.CAPTURE:
                await self._capture(task)
            case TaskKind.VOID:
                await self._void(task)
            case TaskKind.ABANDON:
                await self._abandon(task)

    async def _authorize(self, task: Task) -> None:
        found = await self.store.attempt(task.payment.id)
        if found is None:
            raise RuntimeError("payments are never deleted")
        payment, attempt = found
        if attempt.id != task.subject_id or payment.status not in OPEN:
            await self.store.close_task(TaskKind.AUTHORIZE, task.subject_id)
            return
        # never assume a failure: what the provider knows under this key counts
        charge = await self.provider.find(attempt) or await self.provider.authorize(attempt)
        settled = await self.settling.settle(payment, charge)
        if settled.status in OPEN and settled.version == payment.version:
            at = self.store.clock.now() + ASK_AGAIN_AFTER
            await self.store.database.fetch(_RETRY, [task.kind.value, task.subject_id, at, None])

    async def _capture(self, task: Task) -> None:
        payment, reference = task.payment, _reference_of(task.payment)
        try:
            charge = await self.provider.capture(reference, task.amount_minor or payment.authorized_minor)
        except ProviderRefused:
            charge = await self.provider.charge(reference)
        settled = await self.settling.settle(payment, charge)
        if settled.status is not PaymentStatus.AUTHORIZED:
            await self._close(task, settled, payment)

    async def _void(self, task: Task) -> None:
        payment = task.payment
        settled = await self.settling.settle(payment, await self._let_go(_reference_of(payment)))
        if settled.status in (PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED):
            # a capture was faster than the void: then the money goes back as a refund
            async with self.store.database.transaction() as connection:
                locked = await self.store.lock(connection, payment.id)
                if locked is not None:
                    await self.refunding.open_rest(connection, locked)
                await self.store.close_task(TaskKind.VOID, task.subject_id)
            self.signal.wake()
        else:
            await self._close(task, settled, payment)

    async def _abandon(self, task: Task) -> None:
        """Nothing of it shall stay: it is not the attempt its payment is about any more."""
        found = await self.store.attempt_by_id(task.subject_id)
        if found is None:
            raise RuntimeError("attempts are never deleted")
        _, attempt = found
        charge = await self.provider.find(attempt)
        if charge is not None and charge.state not in (ChargeState.VOIDED, ChargeState.DECLINED):
            charge = await self._let_go(charge.reference)
            if charge.state is ChargeState.CAPTURED:
                # only somebody at the provider can have done that: we capture what payments refer to, and nothing else
                await self.provider.refund(attempt.key, charge.reference, charge.captured_minor)
        await self.store.close_task(TaskKind.ABANDON, task.subject_id)

    async def _let_go(self, reference: str) -> Charge:
        """The charge as it is after what it held was given up, which a captured one refuses."""
        try:
            return await self.provider.void(reference)
        except ProviderRefused:
            return await self.provider.charge(reference)

    async def _close(self, task: Task, settled: Payment, before: Payment) -> None:
        """A step has closed its tasks itself."""
        if settled.version == before.version:
            await self.store.close_task(task.kind, task.subject_id)

    async def _retry(self, task: Task, error: Exception) -> None:
        failpoint("payments.retry.before_commit")
        delay_s = min(RETRY_CAP_S, 0.5 * 2.0 ** min(task.attempts, 12)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        at = self.store.clock.now() + timedelta(seconds=delay_s)
        await self.store.database.fetch(_RETRY, [task.kind.value, task.subject_id, at, repr(error)[:500]])


def task_of(row: Row) -> Task:
    return Task(TaskKind(row["kind"]), row["subject_id"], row["attempts"], row["task_minor"], payment_of(row))


def _reference_of(payment: Payment) -> str:
    if payment.provider_ref is None:
        raise RuntimeError("an authorised payment has a charge")
    return payment.provider_ref

"""Writing down what the provider said: each step once, whoever brings the answer and however often.

The steps follow from the payment as it was read (`domain.steps`); each is written only if it still is so, else it is
read again and the steps are found anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from common.failpoints import failpoint
from common.ids import uuid7
from common.subgraph.idempotency import Answer, IdempotentRequest, store_answer
from subgraphs.payments.domain import steps
from subgraphs.payments.domain.declines import NOT_AS_ASKED
from subgraphs.payments.domain.provider import Charge
from subgraphs.payments.domain.status import OPEN, SECURED, Payment, PaymentStatus, Refund, SavedMethod
from subgraphs.payments.domain.steps import Step
from subgraphs.payments.service.store import Change, PaymentStore, StaleError, TaskKind

#: whoever asks for the outcome of a transfer does so that often; normally the provider tells
ASK_AGAIN_AFTER = timedelta(minutes=1)
#: the provider ends an action by itself; so much later it has
AFTER_ACTION = timedelta(seconds=5)

_SETTLED = {
    PaymentStatus.AUTHORIZED: "AUTHORIZED",
    PaymentStatus.CAPTURED: "AUTHORIZED",
    PaymentStatus.REQUIRES_METHOD: "DECLINED",
    PaymentStatus.FAILED: "DECLINED",
    PaymentStatus.VOIDED: "DECLINED",
}


@dataclass(frozen=True, slots=True)
class Settling:
    store: PaymentStore

    async def settle(
        self,
        payment: Payment,
        charge: Charge,
        *,
        actor: str | None = None,
        answers: tuple[IdempotentRequest, Answer] | None = None,
    ) -> Payment:
        """The payment as it is afterwards. What is already so is not written again, but the answer always is."""
        while True:
            told = steps.understood(payment, charge)
            found = steps.settle(payment, told, self.store.clock.now())
            try:
                return await self._take(payment, found, told, actor, answers)
            except StaleError:
                payment = await self.store.by_id(payment.id)

    async def refunded(self, refund: Refund) -> None:
        """The provider has given the money of a pending refund back."""
        async with self.store.database.transaction() as connection:
            payment = await self.store.lock(connection, refund.payment_id)
            if payment is None:
                raise RuntimeError("payments are never deleted")
            if await self._ended(refund, "SUCCEEDED"):
                step = steps.refunded(payment, refund.amount_minor, str(refund.id), self.store.clock.now())
                await self.store.write(payment, step)
            await self.store.close_task(TaskKind.REFUND, refund.id)
            failpoint("payments.refunded.before_commit")
        failpoint("payments.refunded.after_commit")

    async def not_refunded(self, refund: Refund) -> None:
        """The provider will not give the money back: it can be asked for again."""
        async with self.store.database.transaction():
            await self._ended(refund, "FAILED")
            await self.store.close_task(TaskKind.REFUND, refund.id)

    async def voided(self, payment: Payment) -> Payment:
        """There is nothing to give back: no attempt is under way, or the provider was not part of it."""
        step = steps.voided(payment, self.store.clock.now())
        return await self.store.write(payment, step, Change(closes=_closes(payment, step.after)))

    async def _ended(self, refund: Refund, status: str) -> bool:
        """False where it had ended before."""
        rows = await self.store.database.fetch(
            "UPDATE refund SET status = $2 WHERE id = $1 AND status = 'PENDING' RETURNING id", [refund.id, status]
        )
        return bool(rows)

    async def _take(
        self,
        payment: Payment,
        found: Sequence[Step],
        charge: Charge,
        actor: str | None,
        answers: tuple[IdempotentRequest, Answer] | None,
    ) -> Payment:
        if not found:
            await self._conclude(payment, answers)
            return payment
        *first, last = found
        change = replace(self._change(payment, last, charge), answers=answers, actor=actor)
        failpoint("payments.settle.before_commit")
        abandoned = payment.attempt_id if charge.decline_code == NOT_AS_ASKED else None
        if first or abandoned:
            async with self.store.database.transaction() as connection:
                before = payment
                for step in first:
                    before = await self.store.write(before, step)
                await self.store.write(before, last, change)
                if abandoned:
                    now = self.store.clock.now()
                    await self.store.open_task(connection, payment.id, TaskKind.ABANDON, abandoned, now)
        else:
            await self.store.write(payment, last, change)
        failpoint("payments.settle.after_commit")
        return last.after

    async def _conclude(self, payment: Payment, answers: tuple[IdempotentRequest, Answer] | None) -> None:
        """Nothing new, but what was asked for is answered."""
        if payment.status not in OPEN and payment.attempt_id is not None:
            await self.store.close_task(TaskKind.AUTHORIZE, payment.attempt_id)
        if answers is not None:
            async with self.store.database.transaction() as connection:
                await store_answer(connection, *answers)

    def _change(self, payment: Payment, last: Step, charge: Charge) -> Change:
        """What goes with the last of the steps."""
        after = last.after
        if payment.status not in OPEN or payment.attempt_id is None:
            return Change(closes=_closes(payment, after))
        if after.status not in OPEN:
            saves = self._saved(after, charge) if after.status in SECURED else None
            return Change(attempt_state=_SETTLED[after.status], closes=_closes(payment, after), saves=saves)
        due_at = self.store.clock.now() + ASK_AGAIN_AFTER
        if after.action_expires_at is not None:
            due_at = after.action_expires_at + AFTER_ACTION
        return Change(delays=(TaskKind.AUTHORIZE, payment.attempt_id, due_at))

    def _saved(self, after: Payment, charge: Charge) -> SavedMethod | None:
        if charge.saved_token is None or charge.means is None:
            return None
        return SavedMethod(uuid7(), after.customer_id, charge.saved_token, charge.means, False, self.store.clock.now())


def _closes(payment: Payment, after: Payment) -> list[tuple[TaskKind, UUID]]:
    """The tasks that a payment no longer needs."""
    closes = []
    if payment.status in OPEN and after.status not in OPEN and payment.attempt_id is not None:
        closes.append((TaskKind.AUTHORIZE, payment.attempt_id))
    if after.status in (PaymentStatus.CAPTURED, PaymentStatus.VOIDED):
        closes.append((TaskKind.CAPTURE, payment.id))
    if after.status is PaymentStatus.VOIDED:
        closes.append((TaskKind.VOID, payment.id))
    return closes

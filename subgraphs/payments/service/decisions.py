"""What orders decides about money: a confirmed order is captured, a cancelled one voided or refunded, an authorisation
it refuses given back. Here the decision becomes a task, in one statement with the inbox row where there is but one.
"""

from dataclasses import dataclass

from common.events import CLAIM_PLACEHOLDERS, Event, claim_clause, claim_values
from common.events.inbox import claim
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import uuid7
from common.subgraph.due import Signal
from subgraphs.payments.domain.provider import PaymentMethodKind
from subgraphs.payments.domain.status import Payment, PaymentStatus
from subgraphs.payments.events import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_CONFIRMED, order_id_of, payment_id_of
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.rows import PAYMENT_COLUMNS, columns_of
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore, TaskKind
from subgraphs.payments.service.tasks import LEASE, DueTasks, task_of

CONSUMER = "payments-on-orders"
_FIRST = CLAIM_PLACEHOLDERS + 1
# The row comes leased, so that this process carries it out at once, and any other if it dies. The payment is locked
# first, as everywhere: whoever writes what is owed before, meets one who has it the other way round in a deadlock.
_CAPTURE = f"""
WITH {claim_clause(1)}, held AS MATERIALIZED (
    SELECT p.id FROM payment p
    WHERE p.order_id = ${_FIRST + 2} AND p.status = 'AUTHORIZED' AND (p.method_kind = ${_FIRST + 3}) = ${_FIRST + 4}
        AND EXISTS (SELECT FROM claimed) FOR NO KEY UPDATE
), owed AS (
    INSERT INTO provider_task AS t (id, payment_id, kind, subject_id, attempts, next_at)
    SELECT ${_FIRST}, h.id, 'CAPTURE', h.id, 1, ${_FIRST + 1}::timestamptz FROM held h
    WHERE NOT EXISTS (SELECT FROM provider_task v WHERE v.kind = 'VOID' AND v.subject_id = h.id)
    ON CONFLICT (kind, subject_id) DO NOTHING
    RETURNING t.kind, t.subject_id, t.attempts, t.amount_minor, t.payment_id
)
SELECT o.kind, o.subject_id, o.attempts, o.amount_minor AS task_minor, {columns_of("p", PAYMENT_COLUMNS)}
FROM claimed LEFT JOIN owed o ON true LEFT JOIN payment p ON p.id = o.payment_id
"""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Consumer of what orders decides."""

    store: PaymentStore
    settling: Settling
    refunding: Refunding
    tasks: DueTasks
    signal: Signal

    async def decided(self, event: Event) -> bool:
        """False where the event was had before."""
        if event.type in (ORDER_CONFIRMED, ORDER_COMPLETED):
            return await self._capture(event, is_cash=event.type == ORDER_COMPLETED)
        async with self.store.database.transaction() as connection:
            if not await claim(connection, CONSUMER, event, clock=self.store.clock):
                return False
            for payment in await self.store.lock_of_order(connection, order_id_of(event)):
                if event.type == ORDER_CANCELLED or payment.id == payment_id_of(event):
                    await self.give_back(connection, payment)
            failpoint("payments.cancelled.before_commit")
        failpoint("payments.cancelled.after_commit")
        self.signal.wake()
        return True

    async def give_back(self, connection: SqlConnection, payment: Payment) -> None:
        """A payment whose row is locked. An attempt under way is left alone: once it is authorised, orders refuses it,
        and that comes here again."""
        match payment.status:
            case PaymentStatus.AUTHORIZED | PaymentStatus.REQUIRES_ACTION:
                now = self.store.clock.now()
                await self.store.close_task(TaskKind.CAPTURE, payment.id)
                await self.store.open_task(connection, payment.id, TaskKind.VOID, payment.id, now)
            case PaymentStatus.CAPTURED | PaymentStatus.PARTIALLY_REFUNDED:
                await self.refunding.open_rest(connection, payment)
            case PaymentStatus.REQUIRES_METHOD:
                await self.settling.voided(payment)
            case _:
                pass

    async def _capture(self, event: Event, *, is_cash: bool) -> bool:
        """A courier collects cash when the goods arrive; everything else is taken when the order is confirmed."""
        now = self.store.clock.now()
        claimed = claim_values(CONSUMER, event, self.store.clock)
        cash = PaymentMethodKind.CASH_ON_DELIVERY.value
        failpoint("payments.confirmed.before_commit")
        values = [*claimed, uuid7(), now + LEASE, order_id_of(event), cash, is_cash]
        rows = await self.store.database.fetch(_CAPTURE, values)
        failpoint("payments.confirmed.after_commit")
        for row in rows:
            if row["kind"] is not None:
                self.tasks.hand_over(task_of(row))
        return bool(rows)

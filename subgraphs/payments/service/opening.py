"""Opening an attempt to pay an order: its first, the next after a decline, or one in place of an attempt that waits for
its customer.

A customer whom a bank asks may pay by something else at once. The attempt that waits is given up here first, in the
transaction that opens the other one: from then on nothing that becomes of it moves the payment, so the customer may
confirm at the same moment and is still charged once. What the provider may hold for it, a task lets go of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import format_id, uuid7
from common.subgraph.database import fetch
from common.subgraph.due import Signal
from subgraphs.payments.domain.provider import Means
from subgraphs.payments.domain.status import DEAD, OPEN, Payment, PaymentStatus
from subgraphs.payments.domain.steps import ATTEMPTS_MAX, superseded
from subgraphs.payments.domain.words import ORDER_PREFIX
from subgraphs.payments.errors import OrderNotPayable
from subgraphs.payments.events import PayableOrder
from subgraphs.payments.service.rows import PAYMENT_COLUMNS, payment_of
from subgraphs.payments.service.store import Change, PaymentStore, TaskKind

#: an attempt nobody has settled by then is taken up by the worker
RECOVER_AFTER = timedelta(seconds=20)

# One payment per order is alive (unique index). It takes a new attempt when the last one was declined; an order whose
# payment has FAILED, for that somebody tried too many cards, takes none.
_OPEN = f"""
WITH opened AS (
    INSERT INTO payment AS p (id, order_id, order_number, customer_id, status, amount_minor, currency, method_kind,
        card_brand, card_last4, exp_month, exp_year, attempt_id, created_at, updated_at)
    SELECT $1, $2, $3, $4, 'PROCESSING', $5, $6, $7, $8, $9, $10, $11, $13, $12, $12
    WHERE NOT EXISTS (SELECT FROM payment WHERE order_id = $2 AND status = 'FAILED')
    ON CONFLICT (order_id) WHERE status NOT IN ('VOIDED', 'FAILED') DO UPDATE SET
        status = 'PROCESSING', method_kind = excluded.method_kind, card_brand = excluded.card_brand,
        card_last4 = excluded.card_last4, exp_month = excluded.exp_month, exp_year = excluded.exp_year,
        attempt_id = excluded.attempt_id, attempt_count = p.attempt_count + 1, decline_code = NULL,
        provider_ref = NULL, updated_at = excluded.updated_at, version = p.version + 1
    WHERE p.status = 'REQUIRES_METHOD'
    RETURNING {PAYMENT_COLUMNS}
), tried AS (
    INSERT INTO payment_attempt (id, payment_id, token, saves_method, state, created_at)
    SELECT $13, id, $14, $15, 'OPEN', $12 FROM opened
), owed AS (
    INSERT INTO provider_task (id, payment_id, kind, subject_id, next_at)
    SELECT $16, id, 'AUTHORIZE', $13, $17::timestamptz FROM opened
)
SELECT * FROM opened
"""
_IS_VOIDING = "SELECT id FROM provider_task WHERE kind = 'VOID' AND subject_id = $1"


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """By `token`, which stands for `means`; `payment_id` is that of a payment that may have to be made for it."""

    id: UUID
    payment_id: UUID
    order: PayableOrder
    token: str
    means: Means
    saves_method: bool


@dataclass(frozen=True, slots=True)
class Opening:
    store: PaymentStore
    #: wakes who carries out tasks
    signal: Signal

    async def open(self, attempt: NewAttempt) -> Payment:
        """The payment, PROCESSING, with the attempt. Raises OrderNotPayable where the order has a payment that takes
        no other attempt."""
        failpoint("payments.open.before_commit")
        payment = await self._insert(attempt) or await self._supersede(attempt)
        if payment is None:
            payments = await self.store.by_orders([attempt.order.id])
            order_id = format_id(ORDER_PREFIX, attempt.order.id)
            raise OrderNotPayable(_why_not(payments), ["orderId"], order_id)
        failpoint("payments.open.after_commit")
        return payment

    async def _supersede(self, attempt: NewAttempt) -> Payment | None:
        async with self.store.database.transaction() as connection:
            for waiting in await self.store.lock_of_order(connection, attempt.order.id):
                if waiting.status is PaymentStatus.REQUIRES_ACTION and waiting.attempt_count < ATTEMPTS_MAX:
                    await self._give_up(connection, waiting)
            # also where nobody waits any more: the attempt may just have been declined
            payment = await self._insert(attempt)
            failpoint("payments.supersede.before_commit")
        failpoint("payments.supersede.after_commit")
        self.signal.wake()
        return payment

    async def _give_up(self, connection: SqlConnection, waiting: Payment) -> None:
        """The attempt of a locked payment; not where the payment is about to be voided, since it then must end."""
        if waiting.attempt_id is None or await fetch(connection, _IS_VOIDING, [waiting.id]):
            return
        now = self.store.clock.now()
        change = Change(attempt_state="SUPERSEDED", closes=[(TaskKind.AUTHORIZE, waiting.attempt_id)])
        await self.store.write(waiting, superseded(waiting, now), change)
        await self.store.open_task(connection, waiting.id, TaskKind.ABANDON, waiting.attempt_id, now)

    async def _insert(self, attempt: NewAttempt) -> Payment | None:
        """One statement, in the current transaction if there is one; None where the order's payment takes none."""
        now, order, means = self.store.clock.now(), attempt.order, attempt.means
        rows = await self.store.database.fetch(
            _OPEN,
            [
                attempt.payment_id,
                order.id,
                order.number,
                order.customer_id,
                order.total_minor,
                order.currency,
                means.kind.value,
                # null once its customer was forgotten; of a kind that has none it is empty
                means.brand,
                means.last4,
                means.exp_month or None,
                means.exp_year or None,
                now,
                attempt.id,
                attempt.token,
                attempt.saves_method,
                uuid7(),
                now + RECOVER_AFTER,
            ],
        )
        return payment_of(rows[0]) if rows else None


def _why_not(payments: Sequence[Payment]) -> str:
    """What to tell who wants to pay an order that has these payments."""
    alive = [payment for payment in payments if payment.status not in DEAD]
    if not alive:
        return "Too many attempts to pay the order have failed; place it anew."
    if alive[0].status in OPEN:
        return "A payment of the order is under way; look at it again in a moment, or confirm it."
    return "The order is paid for already."

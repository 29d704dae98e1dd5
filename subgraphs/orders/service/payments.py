"""What payments asks and tells: may this order be paid; it has been authorised; what was authorised is let go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import NotFoundError
from common.events import (
    CLAIM_PLACEHOLDERS,
    Event,
    claim_clause,
    claim_values,
    encode_event,
    record_clause,
    record_values,
)
from common.events.inbox import claim
from common.failpoints import failpoint
from common.ids import format_id
from common.subgraph.database import fetch
from common.subgraph.due import Signal
from subgraphs.orders.domain.status import CancelReason, OrderStatus, can_cancel
from subgraphs.orders.domain.words import USER_PREFIX
from subgraphs.orders.events import PAYMENT_AUTHORIZED, order_id_of, order_payload, payment_id_of, payment_refused
from subgraphs.orders.service.moving import SYSTEM, Moving, cancelled
from subgraphs.orders.service.saga import LEASE, DueStep, DueSteps
from subgraphs.orders.service.store import ORDER_COLUMNS, Due, Step, order_of

CONSUMER = "orders-on-payments"

# Where the order waits for this payment, the step becomes COMMIT, already leased to this process; else the payment is
# refused. The row of the saga decides between a payment and a cancellation at the same moment: whoever comes second
# waits for it and finds another step in it.
_AUTHORIZED = f"""
WITH {claim_clause(1)}, awaited AS (
    UPDATE saga s SET step = 'COMMIT', next_at = $8, attempts = 1, payment_id = $7, deadline = NULL, cause = $9::jsonb,
        last_error = NULL
    FROM orders o, claimed
    WHERE s.order_id = $6 AND o.id = s.order_id AND o.status = 'AWAITING_PAYMENT'
        AND o.total_minor <= $10 AND o.currency = $11
        AND (s.step = 'AWAIT_PAYMENT' OR (s.step = 'COMMIT' AND s.payment_id = $7))
    RETURNING s.order_id
), {record_clause(CLAIM_PLACEHOLDERS + 7, only_if="claimed WHERE NOT EXISTS (SELECT FROM awaited)")}
SELECT {ORDER_COLUMNS} FROM claimed LEFT JOIN awaited ON TRUE LEFT JOIN orders o ON o.id = awaited.order_id
"""
_COUNTS_ON = "SELECT order_id FROM saga WHERE order_id = $1 AND step = 'COMMIT' AND payment_id = $2"


@dataclass(frozen=True, slots=True)
class Payments:
    moving: Moving
    due_steps: DueSteps
    signal: Signal

    async def payable(self, payload: dict[str, Any]) -> Mapping[str, Any]:
        """The order as payments needs it, whatever its status. NOT_FOUND where it is not `principal_id`'s own, unless
        the asker says that this principal may act for others."""
        order = await self.moving.load(order_id_of(payload))
        owner_id = format_id(USER_PREFIX, order.customer_id) if order else None
        if order is None or not (payload.get("may_act_for_others") or owner_id == payload.get("principal_id")):
            raise NotFoundError("There is no such order.")
        return order_payload(order)

    async def told(self, event: Event) -> bool:
        """The effect of one event; False where it was had before."""
        return await (self.authorized(event) if event.type == PAYMENT_AUTHORIZED else self.voided(event))

    async def voided(self, event: Event) -> bool:
        """An order that counts on the money is cancelled, unless goods have left the house: nobody will pay for it. One
        that still waits for its payment waits on."""
        order_id, clock = order_id_of(event.payload), self.moving.clock
        async with self.moving.database.transaction() as connection:
            if not await claim(connection, CONSUMER, event, clock):
                return False
            order = await self.moving.load_locked(connection, order_id)
            if order is None or not event.payload.get("authorized_minor"):
                return True
            counts_on = [order_id, payment_id_of(event.payload)]
            is_promised = order.status is OrderStatus.CONFIRMED or await fetch(connection, _COUNTS_ON, counts_on)
            if is_promised and can_cancel(order.status, order.fulfillment_status, is_staff=True):
                now = clock.now()
                after, owed = cancelled(order, CancelReason.PAYMENT_FAILED, now), Due(Step.RELEASE, now)
                await self.moving.step(order, after, due=owed, actor=SYSTEM, cause=event)
        self.signal.wake()
        return True

    async def authorized(self, event: Event) -> bool:
        """The money is secured: commit the reservation next. Where nobody waits for it, it is refused: to be voided.

        The effect of one event, as one statement; False where it was had before.
        """
        order_id, payment_id, clock = order_id_of(event.payload), payment_id_of(event.payload), self.moving.clock
        failpoint("orders.payment.before_commit")
        rows = await self.moving.database.fetch(
            _AUTHORIZED,
            [
                *claim_values(CONSUMER, event, clock),
                order_id,
                payment_id,
                clock.now() + LEASE,
                encode_event(event).decode(),
                event.payload["amount_minor"],
                event.payload["currency"],
                *record_values(payment_refused(order_id, event, clock)),
            ],
        )
        failpoint("orders.payment.after_commit")
        if not rows:
            return False
        if rows[0]["id"] is None:
            self.moving.outbox.wake()
        else:
            self.due_steps.hand_over(DueStep(order_of(rows[0]), Step.COMMIT, 1, None, event))
        return True

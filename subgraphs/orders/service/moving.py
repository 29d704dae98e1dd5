"""One step of an order: the row, its history, its event and what is owed next, in one statement."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from common.clock import Clock
from common.events import Event, Outbox, after_commit
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.subgraph.database import Database, fetch
from subgraphs.orders.domain.pricing import Totals
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import CancelReason, OrderStatus
from subgraphs.orders.events import order_moved
from subgraphs.orders.service.figures import OrderFigures
from subgraphs.orders.service.store import ORDER_COLUMNS, Due, HistoryStep, move_order, order_of

SYSTEM = "system:orders"


@dataclass(frozen=True, slots=True)
class Moving:
    database: Database
    clock: Clock
    outbox: Outbox
    figures: OrderFigures

    async def load(self, order_id: UUID) -> Order | None:
        rows = await self.database.fetch(f"SELECT {ORDER_COLUMNS} FROM orders o WHERE o.id = $1", [order_id])
        return order_of(rows[0]) if rows else None

    async def load_locked(self, connection: SqlConnection, order_id: UUID) -> Order | None:
        """The order as it stays until the transaction ends."""
        rows = await fetch(connection, f"SELECT {ORDER_COLUMNS} FROM orders o WHERE o.id = $1 FOR UPDATE", [order_id])
        return order_of(rows[0]) if rows else None

    async def step(
        self, before: Order, after: Order, *, due: Due | None, actor: str, cause: Event | None = None
    ) -> bool:
        """Write the step from `before` to `after`; False where the order has moved since it was read.

        Part of the current transaction if there is one, else it commits by itself.
        """
        event = order_moved(after, self.clock, user_id=actor, cause=cause)
        return await self.tell(before, HistoryStep(after, before.status, actor, event), due=due)

    async def tell(self, before: Order, step: HistoryStep, *, due: Due | None) -> bool:
        """As `step`, with an event of the caller's making."""
        failpoint("orders.move.before_commit")
        if not await move_order(self.database, before, step, due):
            return False
        failpoint("orders.move.after_commit")
        if before.status is not step.order.status:
            after_commit(lambda: self.figures.entered(step.order))
        self.outbox.wake()
        return True


def moved(before: Order, to: OrderStatus, now: datetime) -> Order:
    """The order in its next version and status."""
    return replace(before, status=to, version=before.version + 1, updated_at=now)


def cancelled(before: Order, reason: CancelReason, now: datetime) -> Order:
    return replace(moved(before, OrderStatus.CANCELLED, now), cancel_reason=reason, reservation_expires_at=None)


def reserved(before: Order, totals: Totals, expires_at: datetime, now: datetime) -> Order:
    return replace(
        moved(before, OrderStatus.AWAITING_PAYMENT, now),
        reservation_expires_at=expires_at,
        subtotal_minor=totals.subtotal_minor,
        shipping_minor=totals.shipping_minor,
        tax_minor=totals.tax_minor,
        total_minor=totals.total_minor,
    )


def confirmed(before: Order, now: datetime) -> Order:
    return replace(moved(before, OrderStatus.CONFIRMED, now), reservation_expires_at=None)

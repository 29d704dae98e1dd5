"""What payments asks and tells: may this order be paid, and: it has been authorised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.errors import NotFoundError
from common.events import Event
from common.events.sql import SqlConnection
from common.ids import format_id
from common.subgraph.database import fetch
from common.subgraph.due import Signal
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.words import USER_PREFIX
from subgraphs.orders.events import order_id_of, order_payload, payment_id_of, payment_refused
from subgraphs.orders.service.moving import Moving

_COMMIT = """
UPDATE saga SET step = 'COMMIT', next_at = $3, attempts = 0, payment_id = $2
WHERE order_id = $1 AND (step = 'AWAIT_PAYMENT' OR (step = 'COMMIT' AND payment_id = $2)) RETURNING order_id
"""


@dataclass(frozen=True, slots=True)
class Payments:
    moving: Moving
    signal: Signal

    async def payable(self, payload: dict[str, Any]) -> Mapping[str, Any]:
        """The order as payments needs it, whatever its status. NOT_FOUND where it is not `principal_id`'s own, unless
        the asker says that this principal may act for others."""
        order = await self.moving.load(order_id_of(payload))
        owner_id = format_id(USER_PREFIX, order.customer_id) if order else None
        if order is None or not (payload.get("may_act_for_others") or owner_id == payload.get("principal_id")):
            raise NotFoundError("There is no such order.")
        return order_payload(order)

    async def authorized(self, connection: SqlConnection, event: Event) -> None:
        """The money is secured: commit the reservation next. Where nobody waits for it, it is refused: to be voided."""
        order_id, payment_id = order_id_of(event.payload), payment_id_of(event.payload)
        order = await self.moving.load_locked(connection, order_id)
        if order is not None and await self._is_awaited(connection, order, payment_id, event):
            self.signal.wake()
            return
        await self.moving.outbox.add(connection, payment_refused(order_id, event, self.moving.clock))

    async def _is_awaited(self, connection: SqlConnection, order: Order, payment_id: UUID, event: Event) -> bool:
        covers = event.payload["amount_minor"] >= order.total_minor and event.payload["currency"] == order.currency
        if order.status is not OrderStatus.AWAITING_PAYMENT or not covers:
            return False
        return bool(await fetch(connection, _COMMIT, [order.id, payment_id, self.moving.clock.now()]))

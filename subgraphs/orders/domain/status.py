"""The life of an order as a table, and the derived axis of its fulfilment.

The same table is written down a second time in the guarded UPDATE of the service (which names the statuses it may
leave) and a third time in the database trigger, which is the oracle of the tests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "UNFULFILLED"
    PARTIAL = "PARTIAL"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"


class CancelReason(StrEnum):
    CUSTOMER = "CUSTOMER"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    RESERVATION_EXPIRED = "RESERVATION_EXPIRED"
    FRAUD = "FRAUD"
    STAFF = "STAFF"


#: from -> where it may go, in the order a client should offer it
TRANSITIONS: Mapping[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PENDING: (OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED),
    OrderStatus.AWAITING_PAYMENT: (OrderStatus.CONFIRMED, OrderStatus.CANCELLED),
    OrderStatus.CONFIRMED: (OrderStatus.COMPLETED, OrderStatus.CANCELLED),
    OrderStatus.COMPLETED: (),
    OrderStatus.CANCELLED: (),
}

#: A buyer may cancel what is not paid for; afterwards it takes staff, because money and goods are on their way.
CANCELLABLE_BY_CUSTOMER = frozenset({OrderStatus.PENDING, OrderStatus.AWAITING_PAYMENT})
#: Reasons a buyer can give; the others are for staff and for the system.
CUSTOMER_REASONS = frozenset({CancelReason.CUSTOMER})
#: Reasons only the system gives.
SYSTEM_REASONS = frozenset({CancelReason.OUT_OF_STOCK, CancelReason.PAYMENT_FAILED, CancelReason.RESERVATION_EXPIRED})


def sources_of(target: OrderStatus) -> tuple[OrderStatus, ...]:
    """Statuses from which `target` can be reached, in the order of the table."""
    return tuple(status for status, targets in TRANSITIONS.items() if target in targets)


def can_cancel(status: OrderStatus, fulfillment: FulfillmentStatus, *, is_staff: bool) -> bool:
    """Nothing that has left the house can be cancelled; a paid order only by staff."""
    if OrderStatus.CANCELLED not in TRANSITIONS[status] or fulfillment is not FulfillmentStatus.UNFULFILLED:
        return False
    return is_staff or status in CANCELLABLE_BY_CUSTOMER


@dataclass(frozen=True, slots=True)
class LineProgress:
    """How far one order line has come, in units."""

    ordered: int
    shipped: int
    delivered: int


def fulfillment_status(lines: Iterable[LineProgress]) -> FulfillmentStatus:
    """The axis of the whole order: PARTIAL as long as any unit has not been shipped but another has."""
    progress = tuple(lines)
    if all(line.shipped == 0 for line in progress):
        return FulfillmentStatus.UNFULFILLED
    if any(line.shipped < line.ordered for line in progress):
        return FulfillmentStatus.PARTIAL
    if any(line.delivered < line.ordered for line in progress):
        return FulfillmentStatus.SHIPPED
    return FulfillmentStatus.DELIVERED

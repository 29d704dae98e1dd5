"""What a shop must do, in a few lines of arithmetic: stock, orders and payments as a model without time or failures.

The real shop is compared with it step by step (`deploy.prove.machine`). Amounts in minor units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@dataclass(slots=True)
class ModelOrder:
    quantity: int
    total_minor: int
    status: Status = Status.AWAITING_PAYMENT
    is_paid: bool = False
    shipped: int = 0
    undelivered: int = 0
    refunded_minor: int = 0


@dataclass(slots=True)
class ModelShop:
    """One product and its orders. A method says whether the shop has to agree; what it refuses changes nothing."""

    on_hand: int
    orders: dict[str, ModelOrder] = field(default_factory=dict)

    @property
    def reserved(self) -> int:
        """Held or sold, and still in the house."""
        return sum(
            order.quantity - order.shipped for order in self.orders.values() if order.status is not Status.CANCELLED
        )

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    def can_place(self, quantity: int) -> bool:
        return quantity <= self.available

    def place(self, order_id: str, quantity: int, total_minor: int) -> None:
        self.orders[order_id] = ModelOrder(quantity, total_minor)

    def adjust(self, delta: int) -> bool:
        """Received, or damaged: not what is promised to somebody."""
        if self.available + delta < 0:
            return False
        self.on_hand += delta
        return True

    def pay(self, order_id: str) -> bool:
        order = self.orders[order_id]
        if order.status is not Status.AWAITING_PAYMENT:
            return False
        order.status, order.is_paid = Status.CONFIRMED, True
        return True

    def cancel(self, order_id: str, *, by_staff: bool) -> bool:
        order = self.orders[order_id]
        legal = {Status.AWAITING_PAYMENT, Status.CONFIRMED} if by_staff else {Status.AWAITING_PAYMENT}
        if order.status not in legal or order.shipped:
            return False
        order.status = Status.CANCELLED
        if order.is_paid:
            order.refunded_minor = order.total_minor
        return True

    def ship(self, order_id: str, quantity: int) -> bool:
        order = self.orders[order_id]
        if order.status is not Status.CONFIRMED or quantity > order.quantity - order.shipped:
            return False
        order.shipped += quantity
        order.undelivered += 1
        self.on_hand -= quantity
        return True

    def deliver(self, order_id: str) -> None:
        """One parcel of it."""
        order = self.orders[order_id]
        order.undelivered -= 1
        if order.shipped == order.quantity and not order.undelivered:
            order.status = Status.COMPLETED

    def refund(self, order_id: str, amount_minor: int) -> bool:
        order = self.orders[order_id]
        if not order.is_paid or order.refunded_minor + amount_minor > order.total_minor:
            return False
        order.refunded_minor += amount_minor
        return True

"""Business figures in `/metrics`: orders by the status they entered, and what they are worth.

A counter counts transitions: an order that is completed has been counted as pending and as confirmed before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from prometheus_client import Counter, Histogram

from common.money import Money
from common.telemetry import Metrics
from subgraphs.orders.domain.rates import UNITS_PER_USD
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import OrderStatus

#: awaiting payment is still pending to those who read these figures: the order was counted at its birth
_LABELS: Mapping[OrderStatus, str] = {
    OrderStatus.PENDING: "pending",
    OrderStatus.CONFIRMED: "confirmed",
    OrderStatus.COMPLETED: "completed",
    OrderStatus.CANCELLED: "cancelled",
}
_VALUE_BUCKETS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 10000.0)


@dataclass(frozen=True, slots=True)
class OrderFigures:
    orders: Counter
    value: Histogram

    @classmethod
    def of(cls, metrics: Metrics) -> Self:
        return cls(
            metrics.counter("ecommerce_orders_total", "Orders that entered a status.", ("status", "currency")),
            metrics.histogram(
                "ecommerce_order_value_dollars",
                "Totals of confirmed orders, in dollars at the fixed rate of the shipping table.",
                ("currency",),
                buckets=_VALUE_BUCKETS,
            ),
        )

    def entered(self, order: Order) -> None:
        """Called once the order's step to its status has committed."""
        if label := _LABELS.get(order.status):
            self.orders.labels(label, order.currency).inc()
        if order.status is OrderStatus.CONFIRMED and order.currency in UNITS_PER_USD:
            amount = Money(order.total_minor, order.currency).decimal / UNITS_PER_USD[order.currency]
            self.value.labels(order.currency).observe(float(amount))

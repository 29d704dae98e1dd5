"""Events of orders, as the orders subgraph writes them."""

from typing import Any

from common.clock import SystemClock
from common.events import Event, new_event
from common.ids import new_id
from tests.kit.people import Person


def order_event(what: str, customer: Person, **changes: Any) -> Event:
    order_id = new_id("ord")
    payload = {"order_id": order_id, "number": "1001", "customer_id": customer.user_id, "total_minor": 129999}
    return new_event(
        f"orders.order.{what}",
        aggregate_id=order_id,
        aggregate_version=3,
        payload=payload | {"currency": "USD"} | changes,
        source="orders",
        clock=SystemClock(),
    )

"""What payments tells the others and is told: names and shapes. Ids are TypeIDs, amounts minor units of `currency`.

Published   payments.payment.authorized | action_required | declined | failed | captured | voided | refunded |
            disputed | dispute_won | dispute_lost
                {payment_id, order_id, customer_id, amount_minor, authorized_minor, captured_minor, refunded_minor,
                 currency, method, status, decline_code, dispute_status, disputed_minor}
Consumed    orders.order.confirmed -> capture; orders.order.completed -> capture of cash on delivery;
            orders.order.cancelled -> void or refund; orders.payment.refused -> void or refund of that payment
            users.user.erased {user_id} -> forget saved methods and digits of cards
Asked       commands.orders.payable {order_id, principal_id, may_act_for_others}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Event, new_event
from common.ids import format_id, parse_id
from subgraphs.payments.domain.status import Payment
from subgraphs.payments.domain.words import ORDER_PREFIX, PAYMENT_PREFIX, USER_PREFIX

SOURCE = "payments"
PAYMENT_EVENTS = "payments.payment.*"
ORDER_CONFIRMED = "orders.order.confirmed"
ORDER_COMPLETED = "orders.order.completed"
ORDER_CANCELLED = "orders.order.cancelled"
PAYMENT_REFUSED = "orders.payment.refused"
USER_ERASED = "users.user.erased"
PAYABLE = "commands.orders.payable"


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """What orders says about an order somebody wants to pay."""

    id: UUID
    number: str
    customer_id: UUID
    total_minor: int
    currency: str
    status: str


def payable_request(order_id: UUID, principal_id: str, *, may_act_for_others: bool) -> dict[str, Any]:
    return {
        "order_id": format_id(ORDER_PREFIX, order_id),
        "principal_id": principal_id,
        "may_act_for_others": may_act_for_others,
    }


def payable_order(reply: Mapping[str, Any]) -> PayableOrder:
    return PayableOrder(
        id=parse_id(ORDER_PREFIX, reply["order_id"]),
        number=reply["number"],
        customer_id=parse_id(USER_PREFIX, reply["customer_id"]),
        total_minor=reply["total_minor"],
        currency=reply["currency"],
        status=reply["status"],
    )


def payment_moved(what: str, payment: Payment, clock: Clock, *, user_id: str | None = None) -> Event:
    """`what` is the last part of the type; the payment is as it is after the step."""
    payment_id = format_id(PAYMENT_PREFIX, payment.id)
    return new_event(
        f"payments.payment.{what}",
        aggregate_id=payment_id,
        aggregate_version=payment.version,
        payload={
            "payment_id": payment_id,
            "order_id": format_id(ORDER_PREFIX, payment.order_id),
            "customer_id": format_id(USER_PREFIX, payment.customer_id),
            "amount_minor": payment.amount_minor,
            "authorized_minor": payment.authorized_minor,
            "captured_minor": payment.captured_minor,
            "refunded_minor": payment.refunded_minor,
            "currency": payment.currency,
            "method": payment.method_kind.value,
            "status": payment.status.value,
            "decline_code": payment.decline_code,
            "dispute_status": payment.dispute_status.value if payment.dispute_status else None,
            "disputed_minor": payment.disputed_minor,
        },
        source=SOURCE,
        clock=clock,
        user_id=user_id,
    )


def order_id_of(event: Event) -> UUID:
    return parse_id(ORDER_PREFIX, event.payload["order_id"])


def payment_id_of(event: Event) -> UUID:
    return parse_id(PAYMENT_PREFIX, event.payload["payment_id"])


def user_id_of(event: Event) -> UUID:
    return parse_id(USER_PREFIX, event.payload["user_id"])

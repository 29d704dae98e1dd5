"""What orders tells the others and is told: names and shapes. Ids are TypeIDs, amounts minor units of `currency`.

Published   orders.order.placed | awaiting_payment | confirmed | completed | cancelled
                {order_id, number, customer_id, status, total_minor, currency, version, cancel_reason}
            orders.order.shipped | delivered
                the same and {fulfillment_id, carrier, tracking_number, fulfillment_status}
            orders.payment.refused {order_id, payment_id}: an authorisation the order has no use for; void it
            orders.fulfillment.created {fulfillment_id, order_id, lines: [{product_id, quantity}]}
Consumed    payments.payment.authorized {payment_id, order_id, amount_minor, currency}: of whatever kind, money on
                delivery included, which is confirmed the same way and captured by payments later
            payments.payment.voided {payment_id, order_id, authorized_minor}: an order that counts on it is cancelled
            users.user.erased {user_id}
Asked       commands.products.reserve | commit | release
            commands.users.default_address {user_id} -> {address: {street, …} | null}
            commands.users.guest {user_id} -> {is_guest}
Answered    commands.orders.payable {order_id, principal_id, may_act_for_others?}
                -> {order_id, number, customer_id, total_minor, currency, status}; NOT_FOUND is a command error
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.errors import BadInputError
from common.events import Event, new_event
from common.ids import InvalidIdError, format_id, parse_id
from subgraphs.orders.domain.pricing import PricedLine, RequestedLine
from subgraphs.orders.domain.records import Fulfillment, Order
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.words import (
    FULFILLMENT_PREFIX,
    ORDER_PREFIX,
    PAYMENT_PREFIX,
    PRODUCT_PREFIX,
    USER_PREFIX,
)

SOURCE = "orders"
ORDER_EVENTS = "orders.order.*"
PAYMENT_AUTHORIZED = "payments.payment.authorized"
PAYMENT_VOIDED = "payments.payment.voided"
RESERVE = "commands.products.reserve"
COMMIT = "commands.products.commit"
RELEASE = "commands.products.release"
USER_ERASED = "users.user.erased"
DEFAULT_ADDRESS = "commands.users.default_address"
GUEST = "commands.users.guest"

_TYPE_BY_STATUS: Mapping[OrderStatus, str] = {
    OrderStatus.PENDING: "orders.order.placed",
    OrderStatus.AWAITING_PAYMENT: "orders.order.awaiting_payment",
    OrderStatus.CONFIRMED: "orders.order.confirmed",
    OrderStatus.COMPLETED: "orders.order.completed",
    OrderStatus.CANCELLED: "orders.order.cancelled",
}


def order_payload(order: Order) -> dict[str, Any]:
    return {
        "order_id": format_id(ORDER_PREFIX, order.id),
        "number": order.number,
        "customer_id": format_id(USER_PREFIX, order.customer_id),
        "status": order.status.value,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "version": order.version,
        "cancel_reason": order.cancel_reason.value if order.cancel_reason else None,
    }


def order_moved(order: Order, clock: Clock, *, user_id: str | None = None, cause: Event | None = None) -> Event:
    """The event of an order having reached its status, in the version it has now."""
    return _of_order(_TYPE_BY_STATUS[order.status], order, order_payload(order), clock, user_id=user_id, cause=cause)


def parcel_moved(what: str, order: Order, parcel: Fulfillment, clock: Clock, *, user_id: str) -> Event:
    """`what`: shipped or delivered; the order is as it is after the step, which leaves its status alone."""
    payload = order_payload(order) | {
        "fulfillment_id": format_id(FULFILLMENT_PREFIX, parcel.id),
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "fulfillment_status": order.fulfillment_status.value,
    }
    return _of_order(f"orders.order.{what}", order, payload, clock, user_id=user_id)


def _of_order(
    event_type: str,
    order: Order,
    payload: Mapping[str, Any],
    clock: Clock,
    *,
    user_id: str | None = None,
    cause: Event | None = None,
) -> Event:
    return new_event(
        event_type,
        aggregate_id=format_id(ORDER_PREFIX, order.id),
        aggregate_version=order.version,
        payload=payload,
        source=SOURCE,
        clock=clock,
        user_id=user_id,
        cause=cause,
    )


def payment_refused(order_id: UUID, authorized: Event, clock: Clock) -> Event:
    """Answers `payments.payment.authorized` where the order does not wait for it (any more)."""
    return new_event(
        "orders.payment.refused",
        aggregate_id=authorized.aggregate_id,
        aggregate_version=authorized.aggregate_version,
        payload={"order_id": format_id(ORDER_PREFIX, order_id), "payment_id": authorized.payload["payment_id"]},
        source=SOURCE,
        clock=clock,
        cause=authorized,
    )


def fulfillment_created(
    fulfillment_id: UUID, order_id: UUID, goods: Sequence[tuple[UUID, int]], clock: Clock, user_id: str
) -> Event:
    return new_event(
        "orders.fulfillment.created",
        aggregate_id=format_id(FULFILLMENT_PREFIX, fulfillment_id),
        aggregate_version=1,
        payload={
            "fulfillment_id": format_id(FULFILLMENT_PREFIX, fulfillment_id),
            "order_id": format_id(ORDER_PREFIX, order_id),
            "lines": [
                {"product_id": format_id(PRODUCT_PREFIX, product_id), "quantity": quantity}
                for product_id, quantity in goods
            ],
        },
        source=SOURCE,
        clock=clock,
        user_id=user_id,
    )


def reserve_request(order_id: UUID, lines: Sequence[RequestedLine], currency: str, ttl_s: float) -> dict[str, Any]:
    return {
        "order_id": format_id(ORDER_PREFIX, order_id),
        "lines": [
            {
                "product_id": format_id(PRODUCT_PREFIX, line.product_id),
                "quantity": line.quantity,
                "expected_unit_price_minor": line.expected_unit_minor,
            }
            for line in lines
        ],
        "currency": currency,
        "ttl_s": ttl_s,
    }


def priced_lines(reply: Mapping[str, Any]) -> tuple[PricedLine, ...]:
    """Lines of the answer to a reserve command, in the order of the request."""
    return tuple(
        PricedLine(
            product_id=parse_id(PRODUCT_PREFIX, line["product_id"]),
            sku=line["sku"],
            name=line["name"],
            quantity=line["quantity"],
            unit_minor=line["unit_price_minor"],
            weight_grams=line["weight_grams"],
        )
        for line in reply["lines"]
    )


def order_id_of(payload: Mapping[str, Any]) -> UUID:
    return _id_of(ORDER_PREFIX, payload.get("order_id"))


def payment_id_of(payload: Mapping[str, Any]) -> UUID:
    return _id_of(PAYMENT_PREFIX, payload.get("payment_id"))


def user_id_of(payload: Mapping[str, Any]) -> UUID:
    return _id_of(USER_PREFIX, payload.get("user_id"))


def _id_of(prefix: str, text: object) -> UUID:
    try:
        return parse_id(prefix, str(text))
    except InvalidIdError as exc:
        raise BadInputError(str(exc)) from exc

"""What products tells the others and is told: events and commands. Ids are TypeIDs, amounts minor units.

Published   products.stock.status_changed {product_id, status}
Consumed    orders.fulfillment.created {fulfillment_id, order_id, lines: [{product_id, quantity}]}
Commands    commands.products.reserve
                {order_id, lines: [{product_id, quantity, expected_unit_price_minor?}], currency, ttl_s}
                -> {lines: [{product_id, sku, name, quantity, unit_price_minor, currency, weight_grams}], expires_at}
                at the prices of `currency`, all or nothing; refusals are command errors with a RefusalCode and
                {lines: [{product_id, requested, available, …}]}, CURRENCY_MISMATCH for what is not sold in it
            commands.products.commit {order_id} -> {committed: bool}
            commands.products.release {order_id} -> {}
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.errors import BadInputError
from common.events import Event, new_event
from common.ids import InvalidIdError, format_id, parse_id
from subgraphs.products.domain.reservations import RESERVATION_TTL_MAX_S, Reservation, ReservationRefusal, WantedLine
from subgraphs.products.domain.stock import StockStatus
from subgraphs.products.domain.words import ORDER_PREFIX, PRODUCT_PREFIX

SOURCE = "products"
STOCK_STATUS_CHANGED = "products.stock.status_changed"
FULFILLMENT_CREATED = "orders.fulfillment.created"
RESERVE = "commands.products.reserve"
COMMIT = "commands.products.commit"
RELEASE = "commands.products.release"


def stock_status_changed(product_id: str, version: int, status: StockStatus, clock: Clock) -> Event:
    """`version` is that of the stock row, which grows with every change."""
    return new_event(
        STOCK_STATUS_CHANGED,
        aggregate_id=product_id,
        aggregate_version=version,
        payload={"product_id": product_id, "status": status.value},
        source=SOURCE,
        clock=clock,
    )


def order_id_of(payload: Mapping[str, Any]) -> UUID:
    return _id_of(ORDER_PREFIX, payload.get("order_id"))


def wanted_lines_of(payload: Mapping[str, Any]) -> tuple[WantedLine, ...]:
    """Lines of a reserve command; raises BadInputError for none, a product named twice, or a quantity below 1."""
    lines = tuple(
        WantedLine(
            product_id=_id_of(PRODUCT_PREFIX, line.get("product_id")),
            quantity=int(line["quantity"]),
            expected_price_minor=line.get("expected_unit_price_minor"),
        )
        for line in payload.get("lines", ())
    )
    if not lines or len({line.product_id for line in lines}) != len(lines) or any(line.quantity < 1 for line in lines):
        raise BadInputError("reserve: lines must name each product once, with a quantity of at least 1")
    return lines


def ttl_of(payload: Mapping[str, Any]) -> float:
    ttl_s = float(payload.get("ttl_s", 0))
    if not 0 < ttl_s <= RESERVATION_TTL_MAX_S:
        raise BadInputError(f"reserve: ttl_s must be positive and at most {RESERVATION_TTL_MAX_S}")
    return ttl_s


def shipped_goods_of(event: Event) -> tuple[UUID, tuple[tuple[UUID, int], ...]]:
    """Order and (product, quantity) pairs of a fulfilment."""
    goods = tuple(
        (_id_of(PRODUCT_PREFIX, line["product_id"]), int(line["quantity"])) for line in event.payload["lines"]
    )
    return order_id_of(event.payload), goods


def reservation_reply(reservation: Reservation) -> dict[str, Any]:
    return {
        "lines": [
            {
                "product_id": format_id(PRODUCT_PREFIX, line.product_id),
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "currency": line.currency,
                "weight_grams": line.weight_grams,
            }
            for line in reservation.lines
        ],
        "expires_at": reservation.expires_at.isoformat(),
    }


def refusal_details(refusal: ReservationRefusal) -> dict[str, Any]:
    return {
        "lines": [
            {
                "product_id": format_id(PRODUCT_PREFIX, line.wanted.product_id),
                "requested": line.wanted.quantity,
                "available": max(0, line.available),
                "expected_unit_price_minor": line.wanted.expected_price_minor,
                "unit_price_minor": line.price_minor,
                "currency": line.currency,
            }
            for line in refusal.lines
        ]
    }


def _id_of(prefix: str, text: object) -> UUID:
    try:
        return parse_id(prefix, str(text))
    except InvalidIdError as exc:
        raise BadInputError(str(exc)) from exc

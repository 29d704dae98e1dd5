"""Writing orders: birth and transitions, each one statement that also writes history and what is owed next.

Whoever calls these is in a transaction and records the events in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson

from common.events import Event
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Row, fetch
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import CancelReason, FulfillmentStatus, OrderStatus, sources_of


class Step(StrEnum):
    """What the house owes an order next. No row: nothing."""

    #: ask products for the stock of a PENDING order
    RESERVE = "RESERVE"
    #: nothing, until the reservation expires
    AWAIT_PAYMENT = "AWAIT_PAYMENT"
    #: make the reservation permanent and confirm
    COMMIT = "COMMIT"
    #: give the stock of a cancelled order back
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True)
class Due:
    """A step and when it shall be taken."""

    step: Step
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as it is stored; a PENDING order's has no promised price yet, then it carries what the buyer was shown."""

    id: UUID
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_minor: int
    expected_unit_minor: int | None
    weight_grams: int


@dataclass(frozen=True, slots=True)
class TakenCart:
    """The cart an order is made from: it goes in the same statement, if it has the version that was read."""

    id: UUID
    version: int


ORDER_COLUMNS = """o.id, o.number, o.customer_id, o.status, o.fulfillment_status, o.currency, o.subtotal_minor,
    o.shipping_minor, o.tax_minor, o.total_minor, o.shipping_address, o.cancel_reason, o.reservation_expires_at,
    o.placed_at, o.updated_at, o.version"""

_INSERT = """
WITH taken AS (
    DELETE FROM cart WHERE id = $15 AND version = $16 RETURNING id
), made AS (
    INSERT INTO orders (id, number, customer_id, status, fulfillment_status, currency, subtotal_minor, shipping_minor,
        tax_minor, total_minor, shipping_address, reservation_expires_at, placed_at, updated_at, version)
    SELECT $1, new_order_number(), $2, $3, 'UNFULFILLED', $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $11, $12
    WHERE $15::uuid IS NULL OR EXISTS (SELECT FROM taken)
    RETURNING id, number
), lines AS (
    INSERT INTO order_line (id, order_id, position, product_id, sku, name, quantity, unit_minor, expected_unit_minor,
        weight_grams)
    SELECT l.id, m.id, l.position, l.product_id, l.sku, l.name, l.quantity, l.unit_minor, l.expected_unit_minor,
        l.weight_grams
    FROM made m, unnest($17::uuid[], $18::uuid[], $19::text[], $20::text[], $21::int[], $22::bigint[], $23::bigint[],
        $24::int[]) WITH ORDINALITY
        AS l(id, product_id, sku, name, quantity, unit_minor, expected_unit_minor, weight_grams, position)
), owed AS (
    INSERT INTO saga (order_id, step, next_at) SELECT id, $13, $14 FROM made
)
SELECT number FROM made
"""

_MOVE = """
WITH moved AS (
    UPDATE orders SET status = $3, version = version + 1, updated_at = $4, cancel_reason = $5,
        fulfillment_status = $6, reservation_expires_at = $7, subtotal_minor = $8, shipping_minor = $9, tax_minor = $10,
        total_minor = $11
    WHERE id = $1 AND version = $2 AND status = ANY($12::text[])
    RETURNING id
), rested AS (
    DELETE FROM saga USING moved WHERE saga.order_id = moved.id AND $13::text IS NULL
), owed AS (
    INSERT INTO saga (order_id, step, next_at) SELECT id, $13, $14 FROM moved WHERE $13::text IS NOT NULL
    ON CONFLICT (order_id) DO UPDATE
    SET step = excluded.step, next_at = excluded.next_at, attempts = 0, last_error = NULL
)
SELECT id FROM moved
"""

_HISTORY = """
INSERT INTO order_history (id, order_id, version, at, from_status, to_status, actor, correlation_id, trace_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[])
"""


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One step of an order, together with the event that tells of it."""

    order: Order
    from_status: OrderStatus | None
    actor: str
    event: Event


async def insert_order(
    connection: SqlConnection, order: Order, lines: Sequence[StoredLine], due: Due, cart: TakenCart | None
) -> str | None:
    """The number of the new order; None where the cart is not there in that version any more: nothing was written."""
    rows = await fetch(
        connection,
        _INSERT,
        [
            order.id,
            order.customer_id,
            order.status.value,
            order.currency,
            order.subtotal_minor,
            order.shipping_minor,
            order.tax_minor,
            order.total_minor,
            orjson.dumps(order.shipping_address).decode(),
            order.reservation_expires_at,
            order.placed_at,
            order.version,
            due.step.value,
            due.at,
            cart.id if cart else None,
            cart.version if cart else None,
            [line.id for line in lines],
            [line.product_id for line in lines],
            [line.sku for line in lines],
            [line.name for line in lines],
            [line.quantity for line in lines],
            [line.unit_minor for line in lines],
            [line.expected_unit_minor for line in lines],
            [line.weight_grams for line in lines],
        ],
    )
    return str(rows[0]["number"]) if rows else None


async def move_order(connection: SqlConnection, before: Order, after: Order, due: Due | None) -> bool:
    """Takes an order from one version to the next; False where somebody else was faster: nothing was written.

    The statuses it may leave are named by the table of transitions; staying where it is, is no transition.
    """
    sources = (after.status,) if before.status is after.status else sources_of(after.status)
    rows = await fetch(
        connection,
        _MOVE,
        [
            before.id,
            before.version,
            after.status.value,
            after.updated_at,
            after.cancel_reason.value if after.cancel_reason else None,
            after.fulfillment_status.value,
            after.reservation_expires_at,
            after.subtotal_minor,
            after.shipping_minor,
            after.tax_minor,
            after.total_minor,
            [status.value for status in sources],
            due.step.value if due else None,
            due.at if due else None,
        ],
    )
    return bool(rows)


async def write_history(connection: SqlConnection, steps: Sequence[HistoryStep]) -> None:
    await fetch(
        connection,
        _HISTORY,
        [
            [uuid7() for _ in steps],
            [step.order.id for step in steps],
            [step.order.version for step in steps],
            [step.order.updated_at for step in steps],
            [step.from_status.value if step.from_status else None for step in steps],
            [step.order.status.value for step in steps],
            [step.actor for step in steps],
            [step.event.metadata.correlation_id for step in steps],
            [step.event.metadata.trace_id or None for step in steps],
        ],
    )


def order_of(row: Row) -> Order:
    return Order(
        id=row["id"],
        number=row["number"],
        customer_id=row["customer_id"],
        status=OrderStatus(row["status"]),
        fulfillment_status=FulfillmentStatus(row["fulfillment_status"]),
        currency=row["currency"],
        subtotal_minor=row["subtotal_minor"],
        shipping_minor=row["shipping_minor"],
        tax_minor=row["tax_minor"],
        total_minor=row["total_minor"],
        shipping_address=orjson.loads(row["shipping_address"]),
        cancel_reason=CancelReason(row["cancel_reason"]) if row["cancel_reason"] else None,
        reservation_expires_at=row["reservation_expires_at"],
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )

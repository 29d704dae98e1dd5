"""Writing orders: birth and transitions, each one statement that also writes history, events and what is owed next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.events import RECORD_PLACEHOLDERS, Event, encode_event, record_clause, record_values
from common.ids import uuid7
from common.subgraph.database import Database, Row
from common.subgraph.idempotency import IdempotentRequest, answer_clause, answer_values
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
    """A step, when it shall be taken, and until when it is worth trying."""

    step: Step
    at: datetime
    deadline: datetime | None = None


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


CORRELATION_ID_LENGTH_MAX = 64

ORDER_COLUMNS = """o.id, o.number, o.customer_id, o.status, o.fulfillment_status, o.currency, o.subtotal_minor,
    o.shipping_minor, o.tax_minor, o.total_minor, o.address_sealed, o.country, o.cancel_reason,
    o.reservation_expires_at, o.placed_at, o.updated_at, o.version"""

_HISTORY_COLUMNS = "id, order_id, version, at, from_status, to_status, actor, correlation_id, trace_id"

_INSERT = f"""
WITH taken AS (
    DELETE FROM cart WHERE id = $15 AND version = $16 RETURNING id
), made AS (
    INSERT INTO orders (id, number, customer_id, status, fulfillment_status, currency, subtotal_minor, shipping_minor,
        tax_minor, total_minor, address_sealed, reservation_expires_at, placed_at, updated_at, version, cart_id,
        country)
    SELECT $1, new_order_number(), $2, $3, 'UNFULFILLED', $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $15, $25
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
    INSERT INTO saga (order_id, step, next_at, deadline, cause) SELECT id, $13, $14, $26, $27::jsonb FROM made
), steps AS (
    INSERT INTO order_history ({_HISTORY_COLUMNS})
    SELECT h.id, made.id, h.version, $11, h.from_status, h.to_status, $28, h.correlation_id, h.trace_id
    FROM made, unnest($29::uuid[], $30::int[], $31::text[], $32::text[], $33::text[], $34::text[])
        AS h(id, version, from_status, to_status, correlation_id, trace_id)
), {record_clause(35, only_if="made", extra="(SELECT jsonb_build_object('number', number) FROM made)")},
{answer_clause(35 + RECORD_PLACEHOLDERS, only_if="made")}
SELECT number FROM made
"""

# Staying in a status is no step of the history. Who cancels while a worker commits the goods, may be quicker than that
# worker: what it still takes is released when its lease has ended, whether it lives or not.
_MOVE = f"""
WITH moved AS (
    UPDATE orders SET status = $3, version = version + 1, updated_at = $4, cancel_reason = $5,
        fulfillment_status = $6, reservation_expires_at = $7, subtotal_minor = $8, shipping_minor = $9, tax_minor = $10,
        total_minor = $11
    WHERE id = $1 AND version = $2 AND status = ANY($12::text[])
    RETURNING id, version
), rested AS (
    DELETE FROM saga USING moved WHERE saga.order_id = moved.id AND $13::text IS NULL
), owed AS (
    INSERT INTO saga (order_id, step, next_at, deadline, cause)
    SELECT id, $13, $14, $15, $16::jsonb FROM moved WHERE $13::text IS NOT NULL
    ON CONFLICT (order_id) DO UPDATE
    SET step = excluded.step, deadline = excluded.deadline, cause = excluded.cause, attempts = 0, last_error = NULL,
        next_at = CASE saga.step WHEN 'COMMIT' THEN greatest(saga.next_at, excluded.next_at) ELSE excluded.next_at END
), steps AS (
    INSERT INTO order_history ({_HISTORY_COLUMNS})
    SELECT $17, id, version, $4, $18::varchar, $3, $19, $20, $21 FROM moved WHERE $18::varchar <> $3
), {record_clause(22, only_if="moved")}
SELECT id FROM moved
"""


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One step of an order, together with the event that tells of it."""

    order: Order
    from_status: OrderStatus | None
    actor: str
    event: Event

    @property
    def correlation_id(self) -> str:
        """As the history keeps it: clients may give long ids to their requests."""
        return self.event.metadata.correlation_id[:CORRELATION_ID_LENGTH_MAX]


async def insert_order(
    database: Database,
    steps: Sequence[HistoryStep],
    lines: Sequence[StoredLine],
    due: Due,
    cart: TakenCart | None,
    answered: tuple[IdempotentRequest, Mapping[str, Any]],
) -> str | None:
    """The number of the new order, born in the steps given; None where the cart is not there in that version any more:
    nothing was written then. One statement: order, lines, history, events, what is owed, and the answer to the key.
    """
    order, last = steps[-1].order, steps[-1].event
    request, answer = answered
    rows = await database.fetch(
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
            order.address_sealed,
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
            order.country,
            due.deadline,
            encode_event(last).decode(),
            steps[-1].actor,
            [uuid7() for _ in steps],
            [step.order.version for step in steps],
            [step.from_status.value if step.from_status else None for step in steps],
            [step.order.status.value for step in steps],
            [step.correlation_id for step in steps],
            [step.event.metadata.trace_id or None for step in steps],
            *record_values(*(step.event for step in steps)),
            *answer_values(request, dict(answer)),
        ],
    )
    return str(rows[0]["number"]) if rows else None


async def move_order(database: Database, before: Order, step: HistoryStep, due: Due | None) -> bool:
    """Takes an order from one version to the next; False where somebody else was faster: nothing was written.

    One statement: the order, its history, the event, and what is owed next. The statuses it may leave are named by the
    table of transitions; staying where it is, is no transition.
    """
    after = step.order
    sources = (after.status,) if before.status is after.status else sources_of(after.status)
    rows = await database.fetch(
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
            due.deadline if due else None,
            encode_event(step.event).decode() if due else None,
            uuid7(),
            before.status.value,
            step.actor,
            step.correlation_id,
            step.event.metadata.trace_id or None,
            *record_values(step.event),
        ],
    )
    return bool(rows)


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
        address_sealed=row["address_sealed"],
        country=row["country"],
        cancel_reason=CancelReason(row["cancel_reason"]) if row["cancel_reason"] else None,
        reservation_expires_at=row["reservation_expires_at"],
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )

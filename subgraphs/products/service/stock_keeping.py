"""Stock as staff keeps it: units that come and go, when it counts as low, and the book of all movements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Outbox
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from subgraphs.products.domain.stock import (
    QUANTITY_MAX,
    InventoryReason,
    MovementReason,
    StockMovement,
    check_adjustment,
    check_threshold,
)
from subgraphs.products.errors import InvalidInput, NotFound
from subgraphs.products.service.idempotently import Idempotently
from subgraphs.products.service.reservations import tell_status_changes

#: newest first
MOVEMENTS = Keyset("movements", (SortColumn("id", "uuid"),), is_descending=True)

# Goods that come back of an order are counted on its reservation: never more come back than were shipped. `back` is
# there for every other movement too, empty-handed.
_ADJUST = """
WITH shipped AS MATERIALIZED (
    SELECT id FROM reservation WHERE order_id = $8 AND product_id = $1 AND shipped - returned >= $2 LIMIT 1 FOR UPDATE
), before AS MATERIALIZED (
    SELECT product_id, on_hand, reserved FROM stock WHERE product_id = $1 FOR UPDATE
), moved AS (
    UPDATE stock s SET on_hand = s.on_hand + $2, version = s.version + 1 FROM before b
    WHERE s.product_id = b.product_id AND b.on_hand + $2 BETWEEN b.reserved AND $6
        AND ($8::uuid IS NULL OR EXISTS (SELECT FROM shipped))
    RETURNING s.product_id, s.version, s.low_stock_threshold, b.on_hand - b.reserved AS before,
        b.on_hand + $2 - b.reserved AS after
), came_back AS (
    UPDATE reservation r SET returned = r.returned + $2 FROM shipped
    WHERE r.id = shipped.id AND EXISTS (SELECT FROM moved)
), written AS (
    INSERT INTO stock_movement (id, product_id, reason, delta, order_id, actor, created_at)
    SELECT $3, product_id, $4, $2, $8, $5, $7 FROM moved
)
SELECT b.on_hand, b.reserved, EXISTS (SELECT FROM shipped) AS was_shipped, m.*
FROM before b LEFT JOIN moved m USING (product_id)
"""
_THRESHOLD = """
WITH before AS MATERIALIZED (
    SELECT product_id, low_stock_threshold FROM stock WHERE product_id = $1 FOR UPDATE
)
UPDATE stock s SET low_stock_threshold = $2, version = s.version + 1 FROM before b WHERE s.product_id = b.product_id
RETURNING s.product_id, s.version, s.low_stock_threshold, b.low_stock_threshold AS threshold_before,
    s.on_hand - s.reserved AS before, s.on_hand - s.reserved AS after
"""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`delta` units for a reason; `order_id` where they are goods of an order that come back."""

    product_id: UUID
    delta: int
    reason: InventoryReason
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StockKeeping:
    database: Database
    clock: Clock
    outbox: Outbox
    idempotently: Idempotently

    async def adjust(self, actor: str, wanted: Adjustment, key: str) -> UUID:
        """Move stock in or out; the product's id.

        Raises InvalidInput (also where reserved units would be taken away, or more would come back of an order than
        was shipped), NotFound, IdempotencyConflictedError.
        """

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            check_adjustment(wanted.reason, wanted.delta)
            if wanted.order_id is not None and wanted.reason is not InventoryReason.RETURNED:
                raise InvalidInput("Only goods that come back are those of an order.", ["orderId"])
            rows = await fetch(connection, _ADJUST, self._values(actor, wanted))
            if not rows:
                raise NotFound("There is no such product.", ["productId"])
            if rows[0]["version"] is None:
                raise _not_moved(rows[0], wanted)
            await tell_status_changes(connection, self.outbox, self.clock, rows)
            return {"id": str(wanted.product_id)}

        request = {
            "product_id": wanted.product_id,
            "delta": wanted.delta,
            "reason": wanted.reason.value,
            "order_id": wanted.order_id,
        }
        answer = await self.idempotently.run("inventoryAdjust", actor, key, request, effect)
        return UUID(answer["id"])

    async def set_threshold(self, product_id: UUID, units: int) -> None:
        """At so many available units or fewer, but at least one, stock is low. Raises InvalidInput, NotFound."""
        check_threshold(units)
        async with self.database.transaction() as connection:
            rows = await fetch(connection, _THRESHOLD, [product_id, units])
            if not rows:
                raise NotFound("There is no such product.", ["productId"])
            await tell_status_changes(connection, self.outbox, self.clock, rows)

    async def movements(self, product_ids: Sequence[UUID], request: PageRequest) -> dict[UUID, Page[Row]]:
        """The same page of movements for each product, in one statement."""
        clauses = request.clauses(2, "m")
        sql = f"""SELECT page.* FROM unnest($1::uuid[]) AS p(id) CROSS JOIN LATERAL (
                SELECT m.id, m.product_id, m.reason, m.delta, m.order_id, m.actor, m.created_at FROM stock_movement m
                WHERE m.product_id = p.id AND {clauses.where}
                ORDER BY {clauses.order_by} LIMIT {clauses.limit}) AS page"""
        rows: dict[UUID, list[Row]] = {product_id: [] for product_id in product_ids}
        for row in await self.database.fetch(sql, [list(product_ids), *clauses.parameters]):
            rows[row["product_id"]].append(row)
        return {product_id: cut_page(request, found) for product_id, found in rows.items()}

    def _values(self, actor: str, wanted: Adjustment) -> list[object]:
        return [
            wanted.product_id,
            wanted.delta,
            uuid7(),
            wanted.reason.value,
            actor,
            QUANTITY_MAX,
            self.clock.now(),
            wanted.order_id,
        ]


def movement_of(row: Row) -> StockMovement:
    return StockMovement(
        id=row["id"],
        product_id=row["product_id"],
        reason=MovementReason(row["reason"]),
        delta=row["delta"],
        order_id=row["order_id"],
        actor=row["actor"],
        created_at=row["created_at"],
    )


def _not_moved(row: Row, wanted: Adjustment) -> InvalidInput:
    if wanted.order_id is not None and not row["was_shipped"]:
        return InvalidInput("More would come back than was shipped for this order.", ["delta"])
    if wanted.delta > 0:
        return InvalidInput(f"At most {QUANTITY_MAX} units can be in stock.", ["delta"])
    return InvalidInput(f"Only {row['on_hand'] - row['reserved']} units are free to be taken out.", ["delta"])

"""Goods leave the house, and arrive: in parts if need be; the last delivery completes the order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Outbox
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from common.text import is_printable_line
from subgraphs.orders.domain.records import Fulfillment, Order
from subgraphs.orders.domain.status import FulfillmentStatus, LineProgress, OrderStatus, fulfillment_status
from subgraphs.orders.errors import IllegalTransition, InvalidInput, NotFound, OrderError
from subgraphs.orders.events import fulfillment_created, parcel_moved
from subgraphs.orders.service.moving import Moving, moved
from subgraphs.orders.service.store import HistoryStep

LABEL_LENGTH_MAX = 100
_PROGRESS = """
SELECT l.id, l.product_id, l.quantity AS ordered, coalesce(sum(f.quantity), 0)::int AS shipped,
    coalesce(sum(f.quantity) FILTER (WHERE p.delivered_at IS NOT NULL), 0)::int AS delivered
FROM order_line l LEFT JOIN fulfillment_line f ON f.order_line_id = l.id
    LEFT JOIN fulfillment p ON p.id = f.fulfillment_id
WHERE l.order_id = $1 GROUP BY l.id
"""
_INSERT = """
WITH made AS (
    INSERT INTO fulfillment (id, order_id, carrier, tracking_number, shipped_at) VALUES ($1, $2, $3, $4, $5)
    RETURNING id
)
INSERT INTO fulfillment_line (id, fulfillment_id, order_line_id, quantity)
SELECT l.id, made.id, l.order_line_id, l.quantity FROM made,
    unnest($6::uuid[], $7::uuid[], $8::int[]) AS l(id, order_line_id, quantity)
"""
_DELIVER = """
UPDATE fulfillment SET delivered_at = $2 WHERE id = $1 AND delivered_at IS NULL
RETURNING id, order_id, carrier, tracking_number, shipped_at, delivered_at
"""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What leaves the house: units by order line."""

    order_id: UUID
    quantity_by_line: Mapping[UUID, int]
    carrier: str | None
    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class Fulfilling:
    database: Database
    clock: Clock
    outbox: Outbox
    moving: Moving

    async def ship(self, actor: str, shipment: Shipment, key: str) -> UUID:
        """Id of the order. Raises NotFound, InvalidInput, IllegalTransition, IdempotencyConflictedError."""

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            try:
                await self._ship(connection, actor, shipment)
            except OrderError as exc:
                raise RejectedError(exc.to_answer()) from exc
            return {"id": str(shipment.order_id)}

        body = {
            "order_id": shipment.order_id,
            "lines": {str(line_id): quantity for line_id, quantity in shipment.quantity_by_line.items()},
            "carrier": shipment.carrier,
            "tracking_number": shipment.tracking_number,
        }
        request = IdempotentRequest(actor, "fulfillmentCreate", key, body)
        outcome = await run_idempotent(self.database, self.clock, request, effect)
        OrderError.raise_if_refused(outcome.answer)
        return UUID(outcome.answer["id"])

    async def deliver(self, actor: str, fulfillment_id: UUID, key: str | None) -> UUID:
        """Id of the order. Delivering again changes nothing, key or not. Raises NotFound, IdempotencyConflictedError.

        The last delivery completes the order.
        """

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            try:
                return {"id": str(await self._deliver(connection, actor, fulfillment_id))}
            except OrderError as exc:
                raise RejectedError(exc.to_answer()) from exc

        if key is None:
            async with self.database.transaction() as connection:
                return await self._deliver(connection, actor, fulfillment_id)
        request = IdempotentRequest(actor, "fulfillmentDeliver", key, {"id": str(fulfillment_id)})
        outcome = await run_idempotent(self.database, self.clock, request, effect)
        OrderError.raise_if_refused(outcome.answer)
        return UUID(outcome.answer["id"])

    async def _deliver(self, connection: SqlConnection, actor: str, fulfillment_id: UUID) -> UUID:
        rows = await fetch(connection, "SELECT order_id FROM fulfillment WHERE id = $1", [fulfillment_id])
        if not rows:
            raise NotFound("There is no such fulfilment.", ["id"])
        order = await self._locked(connection, rows[0]["order_id"])
        delivered = await fetch(connection, _DELIVER, [fulfillment_id, self.clock.now()])
        if not delivered:
            return order.id
        progress = _progress(await fetch(connection, _PROGRESS, [order.id]))
        order = await self._tell(order, Fulfillment(**delivered[0]), progress, "delivered", actor)
        if order.fulfillment_status is FulfillmentStatus.DELIVERED and order.status is OrderStatus.CONFIRMED:
            completed = moved(order, OrderStatus.COMPLETED, self.clock.now())
            if not await self.moving.step(order, completed, due=None, actor=actor):
                raise RuntimeError("a locked order moved")
        return order.id

    async def _ship(self, connection: SqlConnection, actor: str, shipment: Shipment) -> None:
        order = await self._locked(connection, shipment.order_id)
        if order.status is not OrderStatus.CONFIRMED:
            raise IllegalTransition(
                f"An order that is {order.status} cannot be shipped.",
                ["orderId"],
                order.status.value,
                [OrderStatus.CONFIRMED.value],
            )
        for name, text in (("carrier", shipment.carrier), ("trackingNumber", shipment.tracking_number)):
            if text is not None and (len(text) > LABEL_LENGTH_MAX or not is_printable_line(text)):
                raise InvalidInput(f"At most {LABEL_LENGTH_MAX} printable characters.", [name])
        line_by_id = {row["id"]: row for row in await fetch(connection, _PROGRESS, [order.id])}
        if not shipment.quantity_by_line:
            raise InvalidInput("A fulfilment has at least one line.", ["lines"])
        for line_id, quantity in shipment.quantity_by_line.items():
            line = line_by_id.get(line_id)
            if line is None:
                raise NotFound("There is no such line in this order.", ["lines", "orderLineId"])
            if not 1 <= quantity <= line["ordered"] - line["shipped"]:
                left = line["ordered"] - line["shipped"]
                raise InvalidInput(f"{left} units of this line are left to ship.", ["lines", "quantity"])
        parcel = Fulfillment(uuid7(), order.id, shipment.carrier, shipment.tracking_number, self.clock.now(), None)
        line_ids = list(shipment.quantity_by_line)
        await fetch(
            connection,
            _INSERT,
            [
                parcel.id,
                order.id,
                parcel.carrier,
                parcel.tracking_number,
                parcel.shipped_at,
                [uuid7() for _ in line_ids],
                line_ids,
                list(shipment.quantity_by_line.values()),
            ],
        )
        goods = [(line_by_id[line_id]["product_id"], shipment.quantity_by_line[line_id]) for line_id in line_ids]
        await self.outbox.add(connection, fulfillment_created(parcel.id, order.id, goods, self.clock, actor))
        progress = [
            LineProgress(row["ordered"], row["shipped"] + shipment.quantity_by_line.get(line_id, 0), row["delivered"])
            for line_id, row in line_by_id.items()
        ]
        await self._tell(order, parcel, progress, "shipped", actor)

    async def _tell(
        self, order: Order, parcel: Fulfillment, progress: Sequence[LineProgress], what: str, actor: str
    ) -> Order:
        """The order after a parcel has left or arrived: another version, another place on the axis of fulfilment."""
        after = replace(moved(order, order.status, self.clock.now()), fulfillment_status=fulfillment_status(progress))
        event = parcel_moved(what, after, parcel, self.clock, user_id=actor)
        if not await self.moving.tell(order, HistoryStep(after, order.status, actor, event), due=None):
            raise RuntimeError("a locked order moved")
        return after

    async def _locked(self, connection: SqlConnection, order_id: UUID) -> Order:
        order = await self.moving.load_locked(connection, order_id)
        if order is None:
            raise NotFound("There is no such order.", ["orderId"])
        return order


def _progress(rows: Sequence[Row]) -> list[LineProgress]:
    return [LineProgress(row["ordered"], row["shipped"], row["delivered"]) for row in rows]

"""Reading orders: every function is one statement, for however many orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.subgraph.database import Database, Row
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from subgraphs.orders.domain.records import Fulfillment, FulfillmentLine, Order, OrderEvent, OrderLine
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.service.store import ORDER_COLUMNS, order_of

#: ids are UUIDv7, so the newest order has the greatest id
NEWEST = Keyset("newest", (SortColumn("id", "uuid"),), is_descending=True)


@dataclass(frozen=True, slots=True)
class Reading:
    database: Database

    async def by_ids(self, ids: Sequence[UUID]) -> list[Order]:
        return await self._orders("o.id = ANY($1::uuid[])", list(ids))

    async def by_numbers(self, numbers: Sequence[str]) -> list[Order]:
        return await self._orders("o.number = ANY($1::text[])", list(numbers))

    async def page(self, request: PageRequest, status: OrderStatus | None, customer_id: UUID | None) -> Page[Row]:
        """Rows of orders, newest first; None does not narrow."""
        clauses = request.clauses(3, "o")
        sql = f"""SELECT {ORDER_COLUMNS} FROM orders o
            WHERE ($1::text IS NULL OR o.status = $1) AND ($2::uuid IS NULL OR o.customer_id = $2) AND {clauses.where}
            ORDER BY {clauses.order_by} LIMIT {clauses.limit}"""
        parameters = [status.value if status else None, customer_id, *clauses.parameters]
        return cut_page(request, await self.database.fetch(sql, parameters))

    async def pages_of_customers(
        self, customer_ids: Sequence[UUID], request: PageRequest, status: OrderStatus | None
    ) -> dict[UUID, Page[Row]]:
        """The same page for each customer, in one statement."""
        clauses = request.clauses(3, "o")
        sql = f"""SELECT page.* FROM unnest($1::uuid[]) AS c(id) CROSS JOIN LATERAL (
                SELECT {ORDER_COLUMNS} FROM orders o
                WHERE o.customer_id = c.id AND ($2::text IS NULL OR o.status = $2) AND {clauses.where}
                ORDER BY {clauses.order_by} LIMIT {clauses.limit}) AS page"""
        parameters = [list(customer_ids), status.value if status else None, *clauses.parameters]
        rows_by_customer: dict[UUID, list[Row]] = {customer_id: [] for customer_id in customer_ids}
        for row in await self.database.fetch(sql, parameters):
            rows_by_customer[row["customer_id"]].append(row)
        return {customer_id: cut_page(request, rows) for customer_id, rows in rows_by_customer.items()}

    async def lines(self, order_ids: Sequence[UUID]) -> list[OrderLine]:
        """Lines of the orders, each order's in the order they were asked for."""
        rows = await self.database.fetch(
            """SELECT l.id, l.order_id, l.product_id, l.sku, l.name, l.quantity, l.unit_minor, o.currency
               FROM order_line l JOIN orders o ON o.id = l.order_id
               WHERE l.order_id = ANY($1::uuid[]) ORDER BY l.order_id, l.position""",
            [list(order_ids)],
        )
        return [OrderLine(**row, total_minor=row["unit_minor"] * row["quantity"]) for row in rows]

    async def history(self, order_ids: Sequence[UUID]) -> list[OrderEvent]:
        """Steps of the orders, each order's from the first to the last."""
        rows = await self.database.fetch(
            """SELECT order_id, at, from_status, to_status, actor, correlation_id, trace_id FROM order_history
               WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, version""",
            [list(order_ids)],
        )
        return [
            OrderEvent(
                order_id=row["order_id"],
                at=row["at"],
                from_status=OrderStatus(row["from_status"]) if row["from_status"] else None,
                to_status=OrderStatus(row["to_status"]),
                actor=row["actor"],
                correlation_id=row["correlation_id"],
                trace_id=row["trace_id"],
            )
            for row in rows
        ]

    async def fulfillments(self, order_ids: Sequence[UUID]) -> list[Fulfillment]:
        return await self._fulfillments("order_id = ANY($1::uuid[]) ORDER BY id", order_ids)

    async def fulfillments_by_id(self, ids: Sequence[UUID]) -> list[Fulfillment]:
        return await self._fulfillments("id = ANY($1::uuid[])", ids)

    async def fulfillment_lines(self, fulfillment_ids: Sequence[UUID]) -> list[FulfillmentLine]:
        rows = await self.database.fetch(
            """SELECT fulfillment_id, order_line_id, quantity FROM fulfillment_line
               WHERE fulfillment_id = ANY($1::uuid[]) ORDER BY id""",
            [list(fulfillment_ids)],
        )
        return [FulfillmentLine(**row) for row in rows]

    async def _orders(self, condition: str, values: Sequence[object]) -> list[Order]:
        rows = await self.database.fetch(f"SELECT {ORDER_COLUMNS} FROM orders o WHERE {condition}", [values])
        return [order_of(row) for row in rows]

    async def _fulfillments(self, condition: str, ids: Sequence[UUID]) -> list[Fulfillment]:
        rows = await self.database.fetch(
            f"""SELECT id, order_id, carrier, tracking_number, shipped_at, delivered_at FROM fulfillment
                WHERE {condition}""",
            [list(ids)],
        )
        return [Fulfillment(**row) for row in rows]

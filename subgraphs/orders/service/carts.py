"""Carts: one per customer, made by the first line put into it, gone when it becomes an order.

Every change first raises the version, which locks the cart, so two changes at once are both kept, whatever their order;
who says which version it has seen, changes that one or nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.orders.domain.pricing import LINES_MAX, QUANTITY_MAX, RequestedLine
from subgraphs.orders.domain.records import Cart, CartLine
from subgraphs.orders.errors import InvalidInput, StaleVersion

_CART = "SELECT id, customer_id, version, updated_at FROM cart"
_TOUCH = """
INSERT INTO cart AS c (id, customer_id, version, updated_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (customer_id) DO UPDATE SET version = c.version + 1, updated_at = excluded.updated_at
RETURNING id, customer_id, version, updated_at
"""
# One statement after the cart was locked, so it sees what others have put into it: the lines as they are now.
_PUT = """
WITH kept AS (
    INSERT INTO cart_line AS l (id, cart_id, product_id, quantity)
    SELECT id, $1, product_id, quantity FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS n(id, product_id, quantity)
    ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = {quantity}
    RETURNING id, product_id, quantity
)
SELECT id, product_id, quantity FROM kept
UNION ALL SELECT id, product_id, quantity FROM cart_line WHERE cart_id = $1 AND product_id <> ALL($3::uuid[])
ORDER BY id
"""
_SET = _PUT.format(quantity="excluded.quantity")
_MERGE = _PUT.format(quantity="greatest(l.quantity, excluded.quantity)")
_TAKE_OUT = """
WITH gone AS (DELETE FROM cart_line WHERE cart_id = $1 AND product_id = $2)
SELECT id, product_id, quantity FROM cart_line WHERE cart_id = $1 AND product_id <> $2 ORDER BY id
"""
_CHECKED_OUT = """
SELECT c.id, c.version, l.product_id, l.quantity FROM cart c LEFT JOIN cart_line l ON l.cart_id = c.id
WHERE c.customer_id = $1 ORDER BY l.id
"""

CartWithLines = tuple[Cart, list[CartLine]]


@dataclass(frozen=True, slots=True)
class Carts:
    database: Database
    clock: Clock

    async def of_customers(self, customer_ids: Sequence[UUID]) -> list[Cart]:
        rows = await self.database.fetch(f"{_CART} WHERE customer_id = ANY($1::uuid[])", [list(customer_ids)])
        return [_cart(row) for row in rows]

    async def by_id(self, ids: Sequence[UUID]) -> list[Cart]:
        return [_cart(row) for row in await self.database.fetch(f"{_CART} WHERE id = ANY($1::uuid[])", [list(ids)])]

    async def lines(self, cart_ids: Sequence[UUID]) -> list[CartLine]:
        """Lines of the carts, each cart's in the order they were put in."""
        rows = await self.database.fetch(
            "SELECT cart_id, product_id, quantity FROM cart_line WHERE cart_id = ANY($1::uuid[]) ORDER BY id",
            [list(cart_ids)],
        )
        return [CartLine(row["cart_id"], row["product_id"], row["quantity"]) for row in rows]

    async def to_check_out(self, customer_id: UUID) -> tuple[UUID, int, list[RequestedLine]] | None:
        """Id, version and lines of the customer's cart, in one statement; None if there is none."""
        rows = await self.database.fetch(_CHECKED_OUT, [customer_id])
        if not rows:
            return None
        lines = [RequestedLine(row["product_id"], row["quantity"]) for row in rows if row["product_id"]]
        return rows[0]["id"], rows[0]["version"], lines

    async def set_line(
        self, customer_id: UUID, product_id: UUID, quantity: int, expected_version: int | None
    ) -> CartWithLines:
        """The cart with `quantity` of the product in it, 0 takes it out. Raises InvalidInput and StaleVersion, changing
        nothing."""
        if not 0 <= quantity <= QUANTITY_MAX:
            raise InvalidInput(f"A quantity is between 0 and {QUANTITY_MAX}.", ["quantity"])
        if quantity:
            return await self._put(_SET, customer_id, {product_id: quantity}, expected_version, ["productId"])
        async with self.database.transaction() as connection:
            cart = await self._touch(connection, customer_id, expected_version)
            rows = await fetch(connection, _TAKE_OUT, [cart.id, product_id])
        return cart, _lines(cart, rows)

    async def merge(
        self, customer_id: UUID, quantity_by_product: Mapping[UUID, int], expected_version: int | None
    ) -> CartWithLines:
        """The cart with the lines of another one in it, such as a guest's; where both have a product, the greater
        quantity counts, so that merging twice is merging once. Raises InvalidInput and StaleVersion."""
        if not 1 <= len(quantity_by_product) <= LINES_MAX:
            raise InvalidInput(f"Between 1 and {LINES_MAX} lines are merged.", ["lines"])
        if not all(1 <= quantity <= QUANTITY_MAX for quantity in quantity_by_product.values()):
            raise InvalidInput(f"A quantity is between 1 and {QUANTITY_MAX}.", ["lines", "quantity"])
        return await self._put(_MERGE, customer_id, quantity_by_product, expected_version, ["lines"])

    async def clear(self, customer_id: UUID, expected_version: int | None) -> CartWithLines:
        """The customer's cart, empty. Raises StaleVersion."""
        async with self.database.transaction() as connection:
            cart = await self._touch(connection, customer_id, expected_version)
            await fetch(connection, "DELETE FROM cart_line WHERE cart_id = $1", [cart.id])
        return cart, []

    async def forget(self, connection: SqlConnection, customer_id: UUID) -> None:
        """The customer was erased: nothing says any more what was wanted."""
        await fetch(connection, "DELETE FROM cart WHERE customer_id = $1", [customer_id])

    async def _put(
        self,
        statement: str,
        customer_id: UUID,
        quantity_by_product: Mapping[UUID, int],
        expected_version: int | None,
        path: Sequence[str],
    ) -> CartWithLines:
        async with self.database.transaction() as connection:
            cart = await self._touch(connection, customer_id, expected_version)
            ids = [uuid7() for _ in quantity_by_product]
            given = [cart.id, ids, list(quantity_by_product), list(quantity_by_product.values())]
            rows = await fetch(connection, statement, given)
            if len(rows) > LINES_MAX:
                raise InvalidInput(f"A cart holds at most {LINES_MAX} products.", path)
            failpoint("orders.cart.before_commit")
        return cart, _lines(cart, rows)

    async def _touch(self, connection: SqlConnection, customer_id: UUID, expected_version: int | None) -> Cart:
        """The cart in its next version, locked; made if there is none (a new cart counts as version 0 before)."""
        rows = await fetch(connection, _TOUCH, [uuid7(), customer_id, self.clock.now()])
        cart = _cart(rows[0])
        if expected_version is not None and cart.version != expected_version + 1:
            current = cart.version - 1
            raise StaleVersion(f"The cart has version {current} by now.", ["expectedVersion"], current)
        return cart


def _cart(row: Row) -> Cart:
    return Cart(id=row["id"], customer_id=row["customer_id"], updated_at=row["updated_at"], version=row["version"])


def _lines(cart: Cart, rows: Sequence[Row]) -> list[CartLine]:
    return [CartLine(cart.id, row["product_id"], row["quantity"]) for row in rows]

"""Carts: one per customer, made by the first line put into it, gone when it becomes an order.

Every change is one statement that also raises the version, so two changes at once are both kept, whatever their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.orders.domain.pricing import LINES_MAX, QUANTITY_MAX
from subgraphs.orders.domain.records import Cart, CartLine
from subgraphs.orders.errors import InvalidInput

_CART = "SELECT id, customer_id, version, updated_at FROM cart"
_TOUCH = """
INSERT INTO cart AS c (id, customer_id, version, updated_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (customer_id) DO UPDATE SET version = c.version + 1, updated_at = excluded.updated_at
RETURNING id, customer_id, version, updated_at
"""
_SET = """
INSERT INTO cart_line (id, cart_id, product_id, quantity) VALUES ($1, $2, $3, $4)
ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity
"""


@dataclass(frozen=True, slots=True)
class Carts:
    database: Database
    clock: Clock

    async def of_customer(self, customer_id: UUID) -> Cart | None:
        carts = await self.of_customers([customer_id])
        return carts[0] if carts else None

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

    async def set_line(self, customer_id: UUID, product_id: UUID, quantity: int, expected_version: int | None) -> Cart:
        """The cart with `quantity` of the product in it, 0 takes it out. Raises InvalidInput, changing nothing."""
        if not 0 <= quantity <= QUANTITY_MAX:
            raise InvalidInput(f"A quantity is between 0 and {QUANTITY_MAX}.", ["quantity"])
        async with self.database.transaction() as connection:
            cart = await self._touch(connection, customer_id, expected_version)
            if quantity:
                await fetch(connection, _SET, [uuid7(), cart.id, product_id, quantity])
                counted = await fetch(connection, "SELECT count(*) AS n FROM cart_line WHERE cart_id = $1", [cart.id])
                if counted[0]["n"] > LINES_MAX:
                    raise InvalidInput(f"A cart holds at most {LINES_MAX} products.", ["productId"])
            else:
                await fetch(
                    connection, "DELETE FROM cart_line WHERE cart_id = $1 AND product_id = $2", [cart.id, product_id]
                )
        return cart

    async def clear(self, customer_id: UUID) -> Cart:
        """The customer's cart, empty."""
        async with self.database.transaction() as connection:
            cart = await self._touch(connection, customer_id, None)
            await fetch(connection, "DELETE FROM cart_line WHERE cart_id = $1", [cart.id])
        return cart

    async def _touch(self, connection: SqlConnection, customer_id: UUID, expected_version: int | None) -> Cart:
        """The cart in its next version, locked; made if there is none (a new cart counts as version 0 before)."""
        rows = await fetch(connection, _TOUCH, [uuid7(), customer_id, self.clock.now()])
        cart = _cart(rows[0])
        if expected_version is not None and cart.version != expected_version + 1:
            raise InvalidInput(f"The cart has version {cart.version - 1} by now.", ["expectedVersion"])
        return cart


def _cart(row: Row) -> Cart:
    return Cart(id=row["id"], customer_id=row["customer_id"], updated_at=row["updated_at"], version=row["version"])

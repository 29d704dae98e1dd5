"""What the tests of products do to a running subgraph: put products on the shelf, and look what is there."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.ids import parse_id
from common.subgraph.database import Database
from subgraphs.products.domain.reservations import Reservation, ReservationRefusal, WantedLine
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.service.reservations import Reservations
from subgraphs.products.service.shop import ProductsService
from tests.kit.commerce import CREATE_PRODUCT, STAFF
from tests.kit.subgraph import SubgraphClient


@dataclass(frozen=True, slots=True)
class Shelf:
    client: SubgraphClient
    database: Database
    service: ProductsService

    @property
    def reservations(self) -> Reservations:
        return self.service.reservations

    async def add(self, *, stock: int, **more: Any) -> UUID:
        """Id of a new product at 10.00 USD."""
        given = {"name": "Strawberries", "price": {"amount": "10.00", "currency": "USD"}, "inventory": stock, **more}
        created = (await self.client.data(CREATE_PRODUCT, {"input": given}, STAFF))["productCreate"]
        assert created["errors"] == []
        return parse_id(PRODUCT_PREFIX, created["product"]["id"])

    async def reserve(
        self, order_id: UUID, wanted: dict[UUID, int], *, expected_minor: int | None = None, ttl_s: float = 900
    ) -> Reservation | ReservationRefusal:
        lines = [WantedLine(product_id, quantity, expected_minor) for product_id, quantity in wanted.items()]
        return await self.reservations.reserve(order_id, lines, "USD", ttl_s)

    async def stock(self, product_id: UUID) -> tuple[int, int]:
        """Units on hand and reserved."""
        rows = await self.database.fetch("SELECT on_hand, reserved FROM stock WHERE product_id = $1", [product_id])
        return rows[0]["on_hand"], rows[0]["reserved"]

    async def check_laws(self) -> None:
        """Stock is the sum of its movements, and what is reserved is the sum of the live reservations."""
        broken = await self.database.fetch(
            """SELECT s.product_id, s.on_hand, s.reserved,
                   (SELECT coalesce(sum(delta), 0) FROM stock_movement m WHERE m.product_id = s.product_id) AS moved,
                   (SELECT coalesce(sum(quantity - shipped), 0) FROM reservation r
                    WHERE r.product_id = s.product_id AND r.state <> 'RELEASED') AS held
               FROM stock s"""
        )
        assert [row for row in broken if (row["on_hand"], row["reserved"]) != (row["moved"], row["held"])] == []

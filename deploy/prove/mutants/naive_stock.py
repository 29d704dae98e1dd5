"""The products subgraph with the reservation most people would write first: read, decide, write.

    python -m deploy.prove.mutants.naive_stock HOST:PORT

Serves as `punnet subgraph products` does. Only this process is patched; the product has no switch for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from common.ids import uuid7
from common.subgraph.database import fetch
from deploy.serve import serve_subgraph
from subgraphs.products.domain.reservations import (
    LineVerdict,
    Reservation,
    ReservationRefusal,
    ReservedLine,
    WantedLine,
    refusal,
)
from subgraphs.products.service.rush import Rush

_READ = """
SELECT s.on_hand - s.reserved AS available, s.reserved, p.price_minor, p.currency, p.sku, p.name, p.weight_grams
FROM stock s JOIN product p ON p.id = s.product_id WHERE s.product_id = $1
"""
_WRITE = "UPDATE stock SET reserved = $2, version = version + 1 WHERE product_id = $1"
_KEEP = """
INSERT INTO reservation (id, order_id, product_id, quantity, unit_price_minor, currency, state, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, 'HELD', $7)
"""


async def naive_reserve(
    self: Rush, order_id: UUID, lines: Sequence[WantedLine], currency: str | None, ttl_s: float
) -> Reservation | ReservationRefusal:
    """Between the read and the write somebody else may have sold the unit."""
    database, clock = self.reservations.database, self.reservations.clock
    (line,) = lines
    (row,) = await database.fetch(_READ, [line.product_id])
    refused = refusal((LineVerdict(line, row["available"], row["price_minor"], row["currency"]),), currency)
    if refused is not None:
        return refused
    expires_at = clock.now() + timedelta(seconds=ttl_s)
    async with database.transaction() as connection:
        await fetch(connection, _WRITE, [line.product_id, row["reserved"] + line.quantity])
        await fetch(
            connection,
            _KEEP,
            [uuid7(), order_id, line.product_id, line.quantity, row["price_minor"], row["currency"], expires_at],
        )
    kept = ReservedLine(
        product_id=line.product_id,
        sku=row["sku"],
        name=row["name"],
        quantity=line.quantity,
        unit_price_minor=row["price_minor"],
        currency=row["currency"],
        weight_grams=row["weight_grams"],
    )
    return Reservation(order_id, (kept,), expires_at)


if __name__ == "__main__":
    Rush.reserve = naive_reserve  # type: ignore[method-assign]  # that is the mutation
    address, _, port = sys.argv[1].rpartition(":")
    serve_subgraph("products", address, int(port))

"""L1 and L2: no unit appears from nowhere, none is sold twice."""

from __future__ import annotations

from uuid import UUID

from deploy.prove.evidence import Evidence, Row
from deploy.prove.laws.law import Law

_CONSERVATION = """
WITH moved AS (
    SELECT product_id, sum(delta) AS units, -coalesce(sum(delta) FILTER (WHERE reason = 'SHIPPED'), 0) AS shipped
    FROM stock_movement GROUP BY product_id
), kept AS (
    SELECT product_id, coalesce(sum(quantity - shipped) FILTER (WHERE state <> 'RELEASED'), 0) AS units,
           sum(shipped) AS shipped
    FROM reservation GROUP BY product_id
)
SELECT s.product_id, s.on_hand, s.reserved, coalesce(m.units, 0) AS moved, coalesce(k.units, 0) AS kept,
       coalesce(m.shipped, 0) AS moved_out, coalesce(k.shipped, 0) AS shipped
FROM stock s LEFT JOIN moved m USING (product_id) LEFT JOIN kept k USING (product_id)
WHERE s.on_hand <> coalesce(m.units, 0) OR s.reserved <> coalesce(k.units, 0) OR s.reserved < 0
   OR s.reserved > s.on_hand OR coalesce(m.shipped, 0) <> coalesce(k.shipped, 0)
"""
_SHELF = """
SELECT s.product_id, s.on_hand - s.reserved AS available,
       (SELECT coalesce(sum(delta), 0) FROM stock_movement m
        WHERE m.product_id = s.product_id AND m.reason <> 'SHIPPED') AS put_in,
       (SELECT coalesce(sum(quantity), 0) FROM reservation r
        WHERE r.product_id = s.product_id AND r.state = 'HELD') AS held
FROM stock s
"""
_SOLD = """
SELECT l.product_id, sum(l.quantity) AS units FROM order_line l JOIN orders o ON o.id = l.order_id
WHERE o.status IN ('CONFIRMED', 'COMPLETED') GROUP BY l.product_id
"""
_LINES = "SELECT o.id, o.status, l.product_id, l.quantity FROM orders o JOIN order_line l ON l.order_id = o.id"
# what nobody wrote an order for (a crash in between) is given back when it expires, with some grace
_RESERVED = """
SELECT order_id, product_id, quantity, state, expires_at < now() - interval '15 seconds' AS is_overdue
FROM reservation WHERE state <> 'RELEASED'
"""
#: what the reservation of an order must be, by the order's status
_STATE = {"AWAITING_PAYMENT": "HELD", "CONFIRMED": "COMMITTED", "COMPLETED": "COMMITTED"}


async def conservation(evidence: Evidence) -> list[str]:
    rows = await evidence.products.ask(_CONSERVATION)
    return [
        f"product {row['product_id']}: {row['on_hand']} on hand but movements say {row['moved']}; {row['reserved']} "
        f"reserved but reservations say {row['kept']}; {row['moved_out']} moved out but {row['shipped']} shipped"
        for row in rows
    ]


async def units(evidence: Evidence) -> list[str]:
    sold = {row["product_id"]: int(row["units"]) for row in await evidence.orders.ask(_SOLD)}
    return [line for row in await evidence.products.ask(_SHELF) if (line := _balance(row, sold))] + await _pairs(
        evidence
    )


def _balance(row: Row, sold: dict[UUID, int]) -> str:
    in_orders = sold.get(row["product_id"], 0)
    total = in_orders + int(row["held"]) + int(row["available"])
    if total == int(row["put_in"]):
        return ""
    return (
        f"product {row['product_id']}: {in_orders} in confirmed orders + {row['held']} held + {row['available']} "
        f"available = {total}, but {row['put_in']} were put in"
    )


async def _pairs(evidence: Evidence) -> list[str]:
    """Each order has the reservations its status asks for, line by line, and no order has others."""
    reserved = {(row["order_id"], row["product_id"]): row for row in await evidence.products.ask(_RESERVED)}
    found: list[str] = []
    for line in await evidence.orders.ask(_LINES):
        wanted = _STATE.get(line["status"])
        row = reserved.pop((line["id"], line["product_id"]), None)
        has = f"{row['quantity']} {row['state']}" if row else "nothing"
        if line["status"] == "PENDING" or has == (f"{line['quantity']} {wanted}" if wanted else "nothing"):
            continue
        found.append(f"order {line['id']} is {line['status']} with {line['quantity']} of a product, reserved is {has}")
    found += [
        f"{row['quantity']} units are {row['state']} for order {order_id}, which has no such line"
        for (order_id, _), row in reserved.items()
        if row["state"] != "HELD" or row["is_overdue"]
    ]
    return found


CONSERVATION = Law(
    "L1",
    "Stock is conserved: initial + received - shipped - damaged = on hand, and 0 <= reserved <= on hand.",
    always=conservation,
    at_rest=conservation,
)
UNITS = Law(
    "L2",
    "Units in confirmed orders + held + available = units put in; each order has exactly its own reservations.",
    at_rest=units,
)

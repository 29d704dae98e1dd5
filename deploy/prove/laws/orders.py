"""L3, L6 and L8: an order's life follows the table, its sums add up, and what was acknowledged is there."""

from __future__ import annotations

from common.ids import parse_id
from deploy.prove.evidence import Evidence
from deploy.prove.laws.law import Law

# The auditor's own copy of the table of transitions: neither the code's nor the trigger's.
_HISTORY = """
WITH steps AS (
    SELECT h.order_id, h.version, h.from_status, h.to_status, o.status,
           lag(h.to_status) OVER w AS before, lead(h.to_status) OVER w IS NULL AS is_last
    FROM order_history h JOIN orders o ON o.id = h.order_id WINDOW w AS (PARTITION BY h.order_id ORDER BY h.version)
)
SELECT order_id, version, from_status, to_status, status FROM steps
WHERE from_status IS DISTINCT FROM before OR (is_last AND to_status <> status)
   OR (coalesce(from_status, ''), to_status) NOT IN (
    ('', 'PENDING'), ('PENDING', 'AWAITING_PAYMENT'), ('PENDING', 'CANCELLED'),
    ('AWAITING_PAYMENT', 'CONFIRMED'), ('AWAITING_PAYMENT', 'CANCELLED'),
    ('CONFIRMED', 'COMPLETED'), ('CONFIRMED', 'CANCELLED'))
UNION ALL SELECT id, version, NULL, 'no history', status FROM orders o
WHERE NOT EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id)
"""
_TOTALS = """
SELECT o.id, o.subtotal_minor, o.shipping_minor, o.tax_minor, o.total_minor, coalesce(l.sum, 0) AS lines
FROM orders o LEFT JOIN (SELECT order_id, sum(unit_minor * quantity) FROM order_line GROUP BY order_id) l
    ON l.order_id = o.id
WHERE o.total_minor <> coalesce(l.sum, 0) + o.shipping_minor + o.tax_minor OR o.subtotal_minor <> coalesce(l.sum, 0)
   OR o.total_minor < 0
"""
_WAS_CONFIRMED = "SELECT order_id FROM order_history WHERE to_status = 'CONFIRMED'"


async def history(evidence: Evidence) -> list[str]:
    return [
        f"{row['status']} order {row['order_id']}, {row['version']}: {row['from_status']} -> {row['to_status']}"
        for row in await evidence.orders.ask(_HISTORY)
    ]


async def totals(evidence: Evidence) -> list[str]:
    return [
        f"order {row['id']}: lines {row['lines']} + shipping {row['shipping_minor']} + tax {row['tax_minor']} "
        f"is not {row['total_minor']}"
        for row in await evidence.orders.ask(_TOTALS)
    ]


async def durability(evidence: Evidence) -> list[str]:
    told = evidence.acknowledged
    orders = {row["id"] for row in await evidence.orders.ask("SELECT id FROM orders")}
    confirmed = {row["order_id"] for row in await evidence.orders.ask(_WAS_CONFIRMED)}
    paid = {
        row["id"]
        for row in await evidence.payments.ask(
            "SELECT id FROM payment WHERE status NOT IN ('REQUIRES_METHOD', 'FAILED')"
        )
    }
    refunds = {row["id"] for row in await evidence.payments.ask("SELECT id FROM refund WHERE status <> 'FAILED'")}
    status = {row["id"]: row["status"] for row in await evidence.users.ask("SELECT id, status FROM user_account")}
    return (
        [f"order {id_} was acknowledged and is gone" for id_ in told.orders if parse_id("ord", id_) not in orders]
        + [f"order {id_} was said to be CONFIRMED" for id_ in told.confirmed if parse_id("ord", id_) not in confirmed]
        + [f"payment {id_} was acknowledged and is gone" for id_ in told.payments if parse_id("pay", id_) not in paid]
        + [f"refund {id_} was acknowledged and is gone" for id_ in told.refunds if parse_id("rfd", id_) not in refunds]
        + [f"account {id_} was acknowledged and is gone" for id_ in told.accounts if parse_id("usr", id_) not in status]
        + [f"{id_} was said to be erased" for id_ in told.erased if status.get(parse_id("usr", id_)) != "ERASED"]
    )


HISTORY = Law(
    "L3", "Every order is in a legal state, and its history is a path of the table.", always=history, at_rest=history
)
TOTALS = Law("L6", "An order's total is the sum of its lines, shipping and tax.", always=totals, at_rest=totals)
DURABILITY = Law("L8", "What was acknowledged is there.", at_rest=durability)

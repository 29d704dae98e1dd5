"""L4 and L5: nobody is charged twice, nobody gets goods unpaid, and the books balance."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from deploy.prove.evidence import Evidence
from deploy.prove.laws.law import Law
from deploy.prove.ledger import Charge

_ATTEMPTS = """
SELECT a.id::text AS key, p.id AS payment_id, p.order_id FROM payment_attempt a JOIN payment p ON p.id = a.payment_id
"""
# cash on delivery is no business of the provider's
_PAYMENTS = """
SELECT id, order_id, status, captured_minor, refunded_minor,
    CASE WHEN dispute_status IN ('OPEN', 'LOST') THEN disputed_minor ELSE 0 END AS withheld_minor, provider_ref
FROM payment
WHERE method_kind <> 'CASH_ON_DELIVERY'
"""
_CASH = "SELECT order_id FROM payment WHERE method_kind = 'CASH_ON_DELIVERY' AND status NOT IN ('VOIDED', 'FAILED')"
_ORDERS = "SELECT id, status, total_minor FROM orders"
_UNBALANCED = """
SELECT 'entry ' || entry_id AS what, currency, sum(amount_minor) AS sum FROM ledger_posting
GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0
UNION ALL
SELECT 'all entries', currency, sum(amount_minor) FROM ledger_posting GROUP BY currency HAVING sum(amount_minor) <> 0
"""
# what the accounts of a payment must say, from what the payment says
_UNBOOKED = """
WITH said AS (
    SELECT p.id, a.account, a.amount_minor FROM payment p CROSS JOIN LATERAL (VALUES
        ('CUSTOMER_HOLD', CASE WHEN p.status = 'AUTHORIZED' THEN p.authorized_minor ELSE 0 END),
        ('PROVIDER_BALANCE or CASH', p.captured_minor - p.refunded_minor
            - CASE WHEN p.dispute_status IN ('OPEN', 'LOST') THEN p.disputed_minor ELSE 0 END),
        ('DISPUTED', CASE WHEN p.dispute_status = 'OPEN' THEN p.disputed_minor ELSE 0 END),
        ('CHARGEBACKS', CASE WHEN p.dispute_status = 'LOST' THEN p.disputed_minor ELSE 0 END)
    ) AS a (account, amount_minor)
), booked AS (
    SELECT payment_id, CASE WHEN account IN ('PROVIDER_BALANCE', 'CASH') THEN 'PROVIDER_BALANCE or CASH'
        ELSE account END AS account, sum(amount_minor) AS amount_minor
    FROM ledger_posting GROUP BY 1, 2
)
SELECT s.id, s.account, s.amount_minor AS said, coalesce(b.amount_minor, 0) AS booked
FROM said s LEFT JOIN booked b ON b.payment_id = s.id AND b.account = s.account
WHERE coalesce(b.amount_minor, 0) <> s.amount_minor
"""
_ABSURD = """
SELECT id, authorized_minor, captured_minor, refunded_minor, disputed_minor FROM payment
WHERE refunded_minor > captured_minor OR captured_minor > authorized_minor OR disputed_minor > captured_minor
"""


async def _charges_by_order(evidence: Evidence) -> tuple[dict[UUID, list[Charge]], list[str]]:
    charges = await evidence.ledger()
    # read afterwards: the attempt is written before the provider is called
    order_by_key = {row["key"]: row["order_id"] for row in await evidence.payments.ask(_ATTEMPTS)}
    by_order: defaultdict[UUID, list[Charge]] = defaultdict(list)
    strangers: list[str] = []
    for charge in charges:
        if charge.key in order_by_key:
            by_order[order_by_key[charge.key]].append(charge)
        else:
            strangers.append(f"charge {charge.reference} of {charge.amount_minor} was made for no attempt of ours")
    return by_order, strangers


async def never_charged_twice(evidence: Evidence) -> list[str]:
    by_order, found = await _charges_by_order(evidence)
    for order_id, charges in by_order.items():
        if sum(charge.net_minor > 0 for charge in charges) > 1:
            found.append(f"order {order_id} was charged {[charge.net_minor for charge in charges]}")
        found += [
            f"charge {charge.reference}: refunded {charge.refunded_minor}, captured {charge.captured_minor}, "
            f"authorised {charge.amount_minor}"
            for charge in charges
            if not 0 <= charge.refunded_minor <= charge.captured_minor <= charge.amount_minor
        ]
    return found


async def charged_as_sold(evidence: Evidence) -> list[str]:
    found = await never_charged_twice(evidence)
    by_order, _ = await _charges_by_order(evidence)
    in_cash = {row["order_id"] for row in await evidence.payments.ask(_CASH)}
    for order in await evidence.orders.ask(_ORDERS):
        charges = by_order.get(order["id"], [])
        captured, net = sum(c.captured_minor for c in charges), sum(c.net_minor for c in charges)
        is_sold = order["status"] in {"CONFIRMED", "COMPLETED"} and order["id"] not in in_cash
        if captured != (order["total_minor"] if is_sold else 0) and not (order["status"] == "CANCELLED" and net == 0):
            found.append(
                f"order {order['id']} is {order['status']} at {order['total_minor']}, the provider captured {captured}"
            )
        if any(charge.is_held for charge in charges):
            found.append(f"order {order['id']} is {order['status']}, and the provider still holds money for it")
    charge_by_reference = {charge.reference: charge for charges in by_order.values() for charge in charges}
    for payment in await evidence.payments.ask(_PAYMENTS):
        charge = charge_by_reference.get(payment["provider_ref"])
        ours = (payment["captured_minor"], payment["refunded_minor"], payment["withheld_minor"])
        theirs = (charge.captured_minor, charge.refunded_minor, charge.withheld_minor) if charge else (0, 0, 0)
        if ours != theirs:
            found.append(
                f"payment {payment['id']} is {payment['status']}: captured, refunded, withheld {ours}, "
                f"provider: {theirs}"
            )
    return found


async def balanced(evidence: Evidence) -> list[str]:
    return (
        [
            f"{row['what']}: debits - credits = {row['sum']} {row['currency']}"
            for row in await evidence.payments.ask(_UNBALANCED)
        ]
        + [
            f"payment {row['id']}: {row['account']} is {row['booked']}, the payment says {row['said']}"
            for row in await evidence.payments.ask(_UNBOOKED)
        ]
        + [f"payment {dict(row)} makes no sense" for row in await evidence.payments.ask(_ABSURD)]
    )


CHARGES = Law(
    "L4",
    "The provider captured an order at most once: its total if it is CONFIRMED or COMPLETED, nothing net if CANCELLED.",
    always=never_charged_twice,
    at_rest=charged_as_sold,
)
LEDGER = Law(
    "L5", "Debits equal credits per currency, and the books say what payments say.", always=balanced, at_rest=balanced
)

"""R19: refunds of one payment at once: never more back than was taken."""

from __future__ import annotations

import asyncio
from collections import Counter

from deploy.prove.buyers import Market
from deploy.prove.client import RefusedError
from deploy.prove.scenario import Arena, Scenario, require

REFUNDS = 50
PARTS = 33


async def run(arena: Arena) -> str:
    payments = arena.number(10)
    async with arena.market(REFUNDS) as market:
        said = [await one_payment(arena, market, number) for number in range(payments)]
    return f"{payments} payments, {REFUNDS} refunds at once each, of a {PARTS}rd each: " + "; ".join(sorted(set(said)))


async def one_payment(arena: Arena, market: Market, number: int) -> str:
    product, buyer = await market.new_product(10, "100.00"), arena.shop.buyer()
    placed = await market.place(buyer, {product: 3}, f"refund-{number}")
    paid = await market.pay(buyer, placed.id, key=f"refund-{number}")
    await market.statuses(placed.id, {"CONFIRMED"})
    await arena.auditor.at_rest()
    assert placed.entity is not None  # noqa: S101 - placed
    total_minor = round(float(placed.entity["total"]["amount"]) * 100)
    amount_minor = total_minor // PARTS
    amount = f"{amount_minor // 100}.{amount_minor % 100:02}"
    ends: Counter[str] = Counter()

    async def one(n: int) -> None:
        try:
            outcome = await market.refund(paid.id, amount, f"refund-{number}-{n}")
            ends[outcome.status or ",".join(outcome.problems)] += 1
        except RefusedError as exc:
            ends[",".join(exc.codes)] += 1

    await asyncio.gather(*(one(n) for n in range(REFUNDS)))
    await arena.auditor.at_rest()
    charge = max(await arena.evidence.ledger(), key=lambda charge: charge.reference)
    require(charge.refunded_minor <= charge.captured_minor, f"{charge}")
    made = ends["SUCCEEDED"] + ends["PENDING"]
    require(made == PARTS and sum(ends.values()) == REFUNDS, f"{dict(ends)}")
    return f"{made} made, {REFUNDS - made} refused"


SCENARIO = Scenario("R19", "Refund race", "50 partial refunds at once on one payment, 10 payments", run)

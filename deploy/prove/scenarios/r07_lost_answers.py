"""R7: the provider charges and then drops the connection: nobody is charged twice, nobody gets goods unpaid."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from deploy.prove.scenario import Arena, Scenario, require

LOST_RATIO = 0.3
AT_ONCE = 40


async def run(arena: Arena) -> str:
    count = arena.number(1_000)
    gate = asyncio.Semaphore(AT_ONCE)
    answers: Counter[str] = Counter()
    async with arena.market(2 * AT_ONCE) as market:
        product = await market.new_product(count, "10.00")
        await arena.shop.sandbox.faults(lose_ratio=LOST_RATIO, seed=arena.seed)

        async def one(number: int) -> str:
            buyer = arena.shop.buyer()
            async with gate:
                placed = await market.place_surely(buyer, {product: 1}, f"lost-{number}")
                paid = await market.pay_surely(buyer, placed.id, f"lost-{number}")
                answers[paid.status or ",".join(paid.problems)] += 1
            return placed.id

        began = time.monotonic()
        await asyncio.gather(*(one(number) for number in range(count)))
        took_s = time.monotonic() - began
    # the worker asks the provider again about what it has not heard
    await arena.auditor.at_rest(240)
    rows = await arena.evidence.orders.ask("SELECT status, count(*) AS n FROM orders GROUP BY status")
    orders = {row["status"]: int(row["n"]) for row in rows}
    charges = await arena.evidence.ledger()
    captured = [charge for charge in charges if charge.captured_minor]
    require(orders == {"CONFIRMED": count}, f"orders are {orders}, answers were {dict(answers)}")
    require(len(captured) == len(charges) == count, f"{count} orders, {len(charges)} charges, {len(captured)} captured")
    return f"{count} orders confirmed, {len(captured)} captured once; answers: {dict(answers)}, {took_s:.0f} s"


SCENARIO = Scenario(
    "R7",
    "Lost answers of the provider",
    "1,000 payments, 30 % of all answers lost after the deed",
    run,
    rest_timeout_s=240,
)

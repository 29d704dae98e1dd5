"""R13: paying in the moment the reservation expires: goods and money, or neither."""

from __future__ import annotations

import asyncio
from collections import Counter

from deploy.prove.client import LostAnswerError, RefusedError
from deploy.prove.scenario import Arena, Scenario, require

TTL_S = 1.0
SPREAD_S = 0.05
AT_ONCE = 60
ENDS = {"CONFIRMED", "CANCELLED"}


async def run(arena: Arena) -> str:
    count = arena.number(2_000)
    gate = asyncio.Semaphore(AT_ONCE)
    ends: Counter[str] = Counter()
    async with arena.market(2 * AT_ONCE) as market:
        product = await market.new_product(count)

        async def one(number: int) -> None:
            buyer = arena.shop.buyer()
            async with gate:
                placed = await market.place_surely(buyer, {product: 1}, f"expiry-{number}")
                require(placed.entity is not None, f"{placed.problems}")
                await asyncio.sleep(TTL_S + arena.random.uniform(-SPREAD_S, SPREAD_S))
                try:
                    paid = await market.pay(buyer, placed.id, key=f"expiry-{number}")
                    ends[f"payment {paid.status or ','.join(paid.problems)}"] += 1
                except (LostAnswerError, RefusedError) as exc:
                    ends[f"payment {repr(exc)[:60]}"] += 1

        await asyncio.gather(*(one(number) for number in range(count)))
    await arena.auditor.at_rest(180)
    rows = await arena.evidence.orders.ask("SELECT status, count(*) AS n FROM orders GROUP BY status")
    orders = {row["status"]: int(row["n"]) for row in rows}
    require(orders.keys() <= ENDS and sum(orders.values()) == count, f"{orders}")
    require(len(orders) == 2, f"the race was none: {orders}, {dict(ends)}")
    return f"{orders['CONFIRMED']} confirmed with stock, {orders['CANCELLED']} cancelled and not charged; {dict(ends)}"


SCENARIO = Scenario(
    "R13",
    "Payment at the moment of expiry",
    "2,000 orders, reservations of 1 s, paid after 1 s +- 50 ms",
    run,
    environment={"PUNNET_RESERVATION_TTL_S": str(TTL_S)},
    rest_timeout_s=180,
)

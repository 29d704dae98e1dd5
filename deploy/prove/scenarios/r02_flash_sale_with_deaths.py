"""R2: the flash sale again, while the process that holds the stock dies three times."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from deploy.prove.scenario import Arena, Scenario, require
from deploy.prove.scenarios.r01_flash_sale import IN_FLIGHT

#: shares of all answers after which products is killed
KILLS_AT = (0.03, 0.06, 0.4)


async def run(arena: Arena) -> str:
    buyers, units = arena.number(10_000), arena.number(1_000)
    ends: Counter[str] = Counter()
    due = [max(1, round(share * buyers)) for share in KILLS_AT]
    async with arena.market(min(IN_FLIGHT, buyers)) as market:
        product = await market.new_product(units)

        async def one(number: int) -> None:
            outcome = await market.place_surely(arena.shop.buyer(), {product: 1}, f"sale-{number}")
            ends[outcome.status or ",".join(outcome.problems)] += 1
            if due and ends.total() >= due[0]:
                due.pop(0)
                arena.shop.kill("products")

        began = time.monotonic()
        await asyncio.gather(*(one(number) for number in range(buyers)))
        took_s = time.monotonic() - began
    await arena.shop.until_ready()
    # orders accepted while products was away are decided by the saga
    await arena.auditor.at_rest(120)
    reserved = await arena.units_reserved(product)
    require(reserved == units, f"{reserved} of {units} units are reserved: {dict(ends)}")
    deaths = len(arena.shop.deaths)
    require(deaths == len(KILLS_AT), f"these died: {arena.shop.deaths}")
    return f"{reserved} of {units} sold, {deaths} deaths of products, {took_s:.1f} s; answers: {dict(ends)}"


SCENARIO = Scenario(
    "R2",
    "Flash sale, products killed 3 times",
    "10,000 buyers who ask again, 1,000 units, 3 x SIGKILL",
    run,
    workers=2,
)

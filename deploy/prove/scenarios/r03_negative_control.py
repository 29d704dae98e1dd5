"""R3: the flash sale against a shop that oversells. The auditor must say so, or its silence elsewhere means nothing."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

from deploy.prove.scenario import Arena, Scenario, require
from deploy.prove.scenarios.r01_flash_sale import IN_FLIGHT, one_buyer


async def run(arena: Arena) -> str:
    buyers, units = arena.number(10_000), arena.number(1_000)
    async with arena.market(min(IN_FLIGHT, buyers)) as market:
        product = await market.new_product(units)
        async with arena.auditor.watching():
            ends = Counter(
                await asyncio.gather(*(one_buyer(market, arena.shop.buyer(), product) for _ in range(buyers)))
            )
    await arena.auditor.at_rest()
    sold = await arena.units_reserved(product)
    require(sold > units, f"the mutant sold {sold} of {units}: it is no mutant ({dict(ends)})")
    caught = arena.auditor.broken
    require({"L1", "L2"} <= caught.keys(), f"{sold} of {units} sold, and the auditor saw only {sorted(caught)}")
    return f"the mutant sold {sold} of {units} units; caught by {', '.join(sorted(caught))}: {caught['L1'][-1]}"


SCENARIO = Scenario(
    "R3",
    "Negative control: a mutant that reads, then writes",
    "10,000 buyers, 1,000 units, products replaced by the mutant",
    run,
    workers=2,
    programs={"products": (sys.executable, "-P", "-m", "deploy.prove.mutants.naive_stock")},
    is_audited=False,
)

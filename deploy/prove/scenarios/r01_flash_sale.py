"""R1: far more buyers than units, all at once, through the whole shop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable

from deploy.prove.buyers import Market
from deploy.prove.client import LostAnswerError, RefusedError
from deploy.prove.scenario import Arena, Scenario, require

IN_FLIGHT = 500


async def one_buyer(market: Market, buyer: str, product: str) -> str:
    """How it ended: a status of the order, the type of a refusal, or the code of an error."""
    try:
        outcome = await market.place(buyer, {product: 1})
    except RefusedError as exc:
        return f"error {exc.answer.status} {','.join(exc.codes)}"
    except LostAnswerError:
        return "error: no answer"
    return outcome.status or ",".join(outcome.problems)


async def measured(work: Awaitable[str]) -> tuple[str, float]:
    """What came of it, and the seconds it took, waiting for a place among the requests in flight included."""
    began = time.monotonic()
    return await work, time.monotonic() - began


async def run(arena: Arena) -> str:
    buyers, units = arena.number(10_000), arena.number(1_000)
    async with arena.market(min(IN_FLIGHT, buyers)) as market:
        product = await market.new_product(units)
        tokens = [arena.shop.buyer() for _ in range(buyers)]
        began = time.monotonic()
        timed = await asyncio.gather(*(measured(one_buyer(market, token, product)) for token in tokens))
        took_s = time.monotonic() - began
    ends, waits_s = Counter(end for end, _ in timed), sorted(wait_s for _, wait_s in timed)
    arena.say(f"{buyers} answers in {took_s:.1f} s: {dict(ends)}, the last after {waits_s[-1]:.1f} s of waiting")
    await arena.auditor.at_rest()
    reserved = await arena.units_reserved(product)
    require(reserved == units, f"{reserved} of {units} units are reserved: {dict(ends)}")
    errors = sum(count for end, count in ends.items() if end.startswith("error"))
    require(errors == 0, f"{errors} errors: {dict(ends)}")
    return (
        f"{reserved} of {units} sold, {ends['InsufficientStockError']} told that it is sold out, {errors} errors, "
        f"{took_s:.1f} s ({buyers / took_s:.0f} buyers/s)"
    )


SCENARIO = Scenario(
    "R1",
    "Flash sale through the router",
    "10,000 buyers, 1,000 units, 500 requests in flight, 2 workers per service",
    run,
    workers=2,
)

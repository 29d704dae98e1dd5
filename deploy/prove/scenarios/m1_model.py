"""M1: thousands of random steps of buying, stocking, shipping and refunding, compared with a model after each."""

from __future__ import annotations

import asyncio
import time

from deploy.local.errors import LocalError
from deploy.prove.scenario import Arena, DisprovedError, Scenario

STEPS = 10_000


async def run(arena: Arena) -> str:
    try:
        from hypothesis.errors import Flaky

        from deploy.prove.machine import Walker, walk
    except ModuleNotFoundError as exc:
        raise LocalError(
            "The model is walked by Hypothesis, of the development packages: make test installs it."
        ) from exc
    async with arena.market(4) as market:
        walker = Walker(market, asyncio.get_running_loop())
        began = time.monotonic()
        try:
            await asyncio.to_thread(walk, walker, arena.number(STEPS), arena.seed)
        except Flaky as exc:  # the shop is real: the same way may end well the second time
            causes = [*getattr(exc, "exceptions", ()), *([walker.trouble] if walker.trouble else [])]
            raise DisprovedError(f"{causes[0] if causes else exc}; {exc}") from exc
        took_s = time.monotonic() - began
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(walker.rules.items()))
    return f"{walker.steps} steps as the model says ({kinds}), {walker.steps / took_s:.0f} steps/s"


SCENARIO = Scenario(
    "M1", "A model of stock, orders and payments", "10,000 steps of Hypothesis", run, rest_timeout_s=120
)

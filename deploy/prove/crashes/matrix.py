"""Rounds of deaths: a few steps of every subgraph armed at the same time, customers, and an audit once all have killed.

A process that has died at a step is started again by its keeper, and the step is armed anew at once. So several
processes are dead at the same time now and then, and an order may meet many deaths on its way: that is harder on the
shop than one death after the other, and takes a fraction of the time.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.prove.buyers import Market
from deploy.prove.crashes.customers import WAYS, Way
from deploy.prove.crashes.steps import Traps
from deploy.prove.scenario import Arena, require

#: how many customers are on their way at the same time
CUSTOMERS, CUSTOMERS_PER_STEP = 16, 5
#: how long nobody may die before the steps left count as passed by nobody
PATIENCE_S = 90.0
#: how long customers may take once nobody dies any more, and the shop to come to rest after them
ENDS_S, REST_S = 300.0, 180.0
_LOOK_S = 0.02
_TELL_S = 30.0


@dataclass(frozen=True, slots=True)
class Deaths:
    """What came of a round."""

    by_step: Counter[str]
    #: steps that should have killed more often -> how often
    left: Mapping[str, int]
    seconds: float


async def die_at(arena: Arena, market: Market, product: str, steps: Sequence[str], runs: int) -> Deaths:
    """Each step kills `runs` times; then the shop comes to rest and is audited. Raises AssertionError where a law is
    broken, a customer's way ends badly, or somebody died of anything else."""
    began = time.monotonic()
    left = await _kill(arena, market, product, Counter(dict.fromkeys(steps, runs)))
    await arena.shop.until_ready()
    await arena.auditor.at_rest(REST_S)
    arena.auditor.judge()
    strange = [(name, status) for name, status in arena.shop.deaths if status != -signal.SIGKILL]
    require(not strange, f"ended by themselves, with a status: {strange}")
    return Deaths(Counter(dict.fromkeys(steps, runs)) - Counter(left), left, time.monotonic() - began)


async def _kill(arena: Arena, market: Market, product: str, left: Counter[str]) -> Mapping[str, int]:
    """Customers go their ways until nothing is left to kill, or nobody has died for too long; what is left then."""
    traps = Traps(arena.shop.failpoints, arena.random)
    for step in left:
        traps.arm(step)
    going: dict[asyncio.Task[None], Way] = {}
    died_at = told_at = time.monotonic()
    async with asyncio.TaskGroup() as customers:
        while left and time.monotonic() - died_at < PATIENCE_S:
            going = {task: way for task, way in going.items() if not task.done()}
            for way in _ways(arena.random, left, list(going.values())):
                going[customers.create_task(way.go(market, product))] = way
            await asyncio.sleep(_LOOK_S)
            for step in [step for step in left if not traps.is_armed(step)]:
                died_at = time.monotonic()
                left[step] -= 1
                if left[step]:
                    traps.arm(step)
                else:
                    del left[step]
            if time.monotonic() - told_at > _TELL_S:
                told_at = time.monotonic()
                arena.say(f"  {left.total()} deaths to go: {_listed(left)}")
        for step in left:
            traps.disarm(step)
        if going:
            _, late = await asyncio.wait(going, timeout=ENDS_S)
            for task in late:
                task.cancel()
            require(not late, f"not served: {_listed(Counter(going[task].go.__name__ for task in late))}")
    return dict(left)


def _ways(chance: random.Random, left: Collection[str], going: Sequence[Way]) -> Iterator[Way]:
    """Those on which customers begin now: they pass a step that is left."""
    at_once = Counter(going)
    wanted_count = min(CUSTOMERS, CUSTOMERS_PER_STEP * len(left))
    for _ in range(wanted_count - len(going)):
        open_ways = [way for way in WAYS if at_once[way] < way.at_once and any(map(way.leads_to, left))]
        if not open_ways:
            return
        way = chance.choice(open_ways)
        at_once[way] += 1
        yield way


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())

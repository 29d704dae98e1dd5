"""Rounds of deaths: a few steps of every subgraph armed at the same time, customers, and an audit once all have killed.

A process that has died at a step is started again by its keeper, and the step is armed anew at once. So several
processes are dead at the same time now and then, and an order may meet many deaths on its way: that is harder on the
shop than one death after the other, and takes a fraction of the time.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploy.prove.buyers import Market
from deploy.prove.crashes.customers import Way, ways_to
from deploy.prove.crashes.steps import Traps
from deploy.prove.scenario import Arena, require

#: how long nobody may die before the steps left count as passed by nobody
PATIENCE_S = 180.0
#: how long customers may take once nobody dies any more, and the shop to come to rest after them
ENDS_S, REST_S = 600.0, 300.0
_LOOK_S = 0.02
_TELL_S = 30.0


@dataclass(frozen=True, slots=True)
class Deaths:
    """What came of a round."""

    by_step: Counter[str]
    #: steps that should have killed more often -> how often
    left: Mapping[str, int]
    #: until the last death, and from there until the shop was at rest
    seconds: float
    rest_s: float


async def die_at(arena: Arena, market: Market, product: str, steps: Sequence[str], runs: int) -> Deaths:
    """Each step kills `runs` times; then the shop comes to rest and is audited. Raises AssertionError where a law is
    broken, a customer's way ends badly, or somebody died of anything else."""
    began = time.monotonic()
    left = Counter(dict.fromkeys(steps, runs))
    async with asyncio.TaskGroup() as customers:
        going = await _kill(arena, left, lambda way: customers.create_task(way.go(market, product)))
        ended = time.monotonic()
        if going:
            _, late = await asyncio.wait(going, timeout=ENDS_S)
            ways = Counter(going[task].go.__name__ for task in late)
            require(not late, f"customers on these ways are not served: {_listed(ways)}")
    await arena.shop.until_ready()
    await arena.auditor.at_rest(REST_S)
    arena.auditor.judge()
    strange = [(name, status) for name, status in arena.shop.deaths if status != -signal.SIGKILL]
    require(not strange, f"ended by themselves, with a status: {strange}")
    return Deaths(Counter(dict.fromkeys(steps, runs)) - left, left, ended - began, time.monotonic() - ended)


async def _kill(
    arena: Arena, left: Counter[str], begin: Callable[[Way], asyncio.Task[None]]
) -> dict[asyncio.Task[None], Way]:
    """Customers go their ways until nothing is left to kill, or nobody has died for too long; counts `left` down, and
    gives those who are still on their way."""
    traps = Traps(arena.shop.failpoints, arena.random)
    for step in left:
        traps.arm(step)
    going: dict[str, dict[asyncio.Task[None], Way]] = {step: {} for step in left}
    died_at = told_at = time.monotonic()
    while left and time.monotonic() - died_at < PATIENCE_S:
        for step in left:
            going[step] = {task: way for task, way in going[step].items() if not task.done()}
            way = arena.random.choice(ways_to(step))
            if len(going[step]) < way.at_once:
                going[step][begin(way)] = way
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
    return {task: way for each in going.values() for task, way in each.items()}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())

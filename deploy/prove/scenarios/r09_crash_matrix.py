"""R9: SIGKILL at every named step of the code, again and again, while buyers buy: every law holds afterwards."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from deploy.prove.crashes import again
from deploy.prove.crashes.matrix import die_at
from deploy.prove.crashes.steps import rounds_of, steps_of_the_code
from deploy.prove.evidence import SUBGRAPHS
from deploy.prove.scenario import Arena, DisprovedError, Scenario, require

RUNS = 20
#: a full run takes less than half of this
LIMIT_S = 5400.0
_STOCK = 1_000_000


async def run(arena: Arena) -> str:
    steps, runs = steps_of_the_code(arena.steps), arena.number(RUNS)
    rounds = rounds_of(steps)
    try:
        async with asyncio.timeout(LIMIT_S):
            deaths = await die_in_rounds(arena, rounds, runs)
    except TimeoutError as exc:
        raise DisprovedError(f"not done after {LIMIT_S:g} s") from exc
    require_all(steps, deaths, runs)
    # one who is killed together with its parent leaves no note
    killed = len(list(arena.shop.failpoints.glob(f"{again.KILLED}*"))) + len(arena.shop.deaths)
    require(killed >= deaths.total(), f"{deaths.total()} deaths were asked for, {killed} processes were killed")
    return (
        f"{len(steps)} of {len(steps)} steps, {runs} runs each, {deaths.total()} deaths in {len(rounds)} rounds, "
        "all laws hold after each round"
    )


async def die_in_rounds(arena: Arena, rounds: Sequence[Sequence[str]], runs: int) -> Counter[str]:
    """How often each step has killed. Raises AssertionError, and says how to repeat the round."""
    deaths: Counter[str] = Counter()
    # so that answers of the provider are asked for again, and told by webhook
    await arena.shop.sandbox.faults(lose_ratio=0.1, error_ratio=0.1, seed=arena.seed)
    async with arena.market(40) as market:
        product = await market.new_product(_STOCK)
        for number, steps in enumerate(rounds, start=1):
            try:
                came = await die_at(arena, market, product, steps, runs)
            except BaseException:
                arena.say(f"again: punnet prove --only R9 --seed {arena.seed} --steps {','.join(steps)}")
                raise
            deaths += came.by_step
            owed = "".join(f"; left: {step} {count}" for step, count in came.left.items())
            arena.say(
                f"{number}/{len(rounds)} {len(steps)} steps: {came.by_step.total()} deaths in {came.seconds:.0f} s, "
                f"at rest {came.rest_s:.0f} s later, laws hold{owed}"
            )
    return deaths


def require_all(steps: Sequence[str], deaths: Mapping[str, int], runs: int) -> None:
    """Raises DisprovedError: what nobody passes is not proved."""
    missed = [f"{step} ({died} of {runs})" for step in steps if (died := deaths.get(step, 0)) < runs]
    require(not missed, f"not passed by these customers often enough: {', '.join(missed)}")


SCENARIO = Scenario(
    "R9",
    "Crash matrix",
    f"SIGKILL at every failpoint of the code, {RUNS} runs each",
    run,
    has_failpoints=True,
    programs={name: (sys.executable, "-P", "-m", again.__name__, name) for name in SUBGRAPHS},
    # somebody is dead all the time: the router should not wait ten seconds to find out who lives again
    router={"traffic_shaping": {"all": {"timeout": "10s", "circuit_breaker": {"reset_timeout": "500ms"}}}},
    rest_timeout_s=180,
)

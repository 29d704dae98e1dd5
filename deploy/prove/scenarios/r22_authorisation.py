"""R22: everybody asks everything."""

from __future__ import annotations

from deploy.prove.authorisation.entities import ENTITIES
from deploy.prove.authorisation.matrix import ask_everything
from deploy.prove.authorisation.rows import ROWS
from deploy.prove.authorisation.setting import prepare
from deploy.prove.scenario import Arena, Scenario, require


async def run(arena: Arena) -> str:
    async with arena.market(4) as market:
        setting = await prepare(market, arena.auditor)
        verdict = await ask_everything(setting, arena.auditor)
    for finding in verdict.findings:
        arena.say(str(finding))
    leaks = sum("LEAK" in finding.problem for finding in verdict.findings)
    require(not verdict.findings, f"{len(verdict.findings)} of {verdict.cases} cases are wrong, {leaks} of them leaks")
    return f"{verdict.cases} cases as the table says, 0 leaks"


SCENARIO = Scenario(
    "R22",
    "Authorisation matrix",
    f"{len(ROWS)} requests to the router and {len(ENTITIES)} to `_entities` of subgraphs x 5 callers",
    run,
)

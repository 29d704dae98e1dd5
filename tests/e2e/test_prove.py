"""`punnet prove` itself: the mutant is caught, a disproved scenario is said to be, and the report keeps older rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.terminal import Terminal
from deploy.prove.report import write_report
from deploy.prove.result import Options, Result
from deploy.prove.run import prove, prove_one, select
from deploy.prove.scenario import Arena, DisprovedError, Scenario
from deploy.prove.scenarios import SCENARIOS, m1_model, r03_negative_control, r09_crash_matrix

pytestmark = pytest.mark.anyio

SMALL = Options(scale=0.01, seed=1, report=None)


async def test_the_mutant_that_oversells_is_caught() -> None:
    result = await prove_one(r03_negative_control.SCENARIO, SMALL, Terminal())
    assert result.holds, result.said
    assert "caught by L1, L2" in result.said


async def test_the_same_mutant_disproves_a_scenario_that_is_audited() -> None:
    async def sell(arena: Arena) -> str:
        await r03_negative_control.run(arena)
        return "sold"

    mutated = replace(r03_negative_control.SCENARIO, run=sell, is_audited=True)
    result = await prove_one(mutated, SMALL, Terminal())
    assert not result.holds
    assert result.said.startswith("LawBrokenError: L1: product")


async def test_the_shop_does_what_the_model_does_for_a_hundred_steps() -> None:
    result = await prove_one(m1_model.SCENARIO, SMALL, Terminal())
    assert result.holds, result.said


async def test_processes_die_at_the_steps_that_are_asked_for_and_the_laws_hold() -> None:
    steps = replace(SMALL, steps="orders.place.after_commit,products.commit.before_commit")
    result = await prove_one(r09_crash_matrix.SCENARIO, steps, Terminal())
    assert result.holds, result.said
    assert result.said == "2 of 2 steps, 1 runs each, 2 deaths in 1 rounds, all laws hold after each round"


async def test_what_is_disproved_is_said_and_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def disproved(arena: Arena) -> str:
        raise DisprovedError("two | were sold")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    report = tmp_path / "reliability.md"
    scenario = Scenario("R99", "A claim", "one unit", disproved)
    assert not await prove([scenario], replace(SMALL, report=report), Terminal())
    assert "| R99 | A claim | one unit (at scale 0.01) | **disproved**: DisprovedError: two / were sold" in (
        report.read_text()
    )


def test_rows_of_other_runs_stay_in_the_report(tmp_path: Path) -> None:
    report = tmp_path / "reliability.md"
    for number in ("R2", "M1", "R10", "L10"):
        scenario = replace(SCENARIOS[0], number=number)
        write_report(report, [Result(scenario, SMALL, True, f"result of {number}", 1.0, 1)])
    rows = [line.split(" | ")[0] for line in report.read_text().splitlines() if "result of" in line]
    assert rows == ["| R2", "| R10", "| L10", "| M1"]


def test_scenarios_are_selected_by_number() -> None:
    assert [scenario.number for scenario in select("r5, R1")] == ["R5", "R1"]
    assert select("") == list(SCENARIOS)
    with pytest.raises(LocalError, match="No scenario R99"):
        select("R99")

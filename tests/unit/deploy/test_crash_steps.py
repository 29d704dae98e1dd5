"""The crash matrix: which steps it kills at, in which rounds, and that a step nobody passes disproves it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.prove.crashes.customers import leave, ways_to
from deploy.prove.crashes.steps import Traps, rounds_of, steps_of_the_code
from deploy.prove.scenario import DisprovedError
from deploy.prove.scenarios.r09_crash_matrix import require_all


def test_every_step_of_the_code_is_in_one_round_and_on_somebodys_way() -> None:
    steps = steps_of_the_code()
    assert sorted(step for armed in rounds_of(steps) for step in armed) == steps
    assert [step for step in steps if not ways_to(step)] == []
    assert {"events.relay.after_publish", "orders.reserve.after_call", "products.sweep.before_commit"} <= {*steps}


def test_the_way_that_leads_to_a_step_most_surely_is_taken() -> None:
    assert [way.go for way in ways_to("notifications.forget.after_commit")] == [leave]
    assert ways_to("nobody.knows") == []


def test_a_round_has_a_few_steps_of_each_subgraph() -> None:
    steps = [f"a.{number}" for number in range(7)] + ["b.0", "b.1"]
    assert rounds_of(steps) == [["a.0", "a.3", "a.6", "b.0"], ["a.1", "a.4", "b.1"], ["a.2", "a.5"]]


def test_steps_are_chosen_by_pattern() -> None:
    assert steps_of_the_code("orders.reserve.*, products.sweep.after_commit") == [
        "orders.reserve.after_call",
        "products.sweep.after_commit",
    ]
    with pytest.raises(LocalError, match=re.escape("No step a.b.*")):
        steps_of_the_code("orders.*,a.b.*")


def test_a_step_that_killed_too_seldom_disproves_the_matrix() -> None:
    require_all(["a.b.c", "a.b.d"], {"a.b.c": 2, "a.b.d": 2}, 2)
    with pytest.raises(DisprovedError, match=re.escape("a.b.d (1 of 2), a.b.e (0 of 2)")):
        require_all(["a.b.c", "a.b.d", "a.b.e"], {"a.b.c": 2, "a.b.d": 1}, 2)


def test_a_trap_is_armed_until_somebody_died(tmp_path: Path) -> None:
    traps = Traps(tmp_path, random.Random(7))  # noqa: S311 - reproducible, not secret
    for step in ("a.b.c", "a.b.d"):
        traps.arm(step)
    (tmp_path / "a.b.c").unlink()
    assert (traps.is_armed("a.b.c"), traps.is_armed("a.b.d")) == (False, True)
    traps.disarm("a.b.d")
    assert list(tmp_path.iterdir()) == []

"""Faults that routers were found with, planted in this one: the oracle must see each within a few hundred cases.

The seeds are where each is found soon, so that nobody waits; another seed finds it later. A fault that is no longer
found there is looked for with `python -m tests.load.oracle` and the fault in the code.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from router.execution import merge
from router.execution.shape import ShapeBuilder
from router.operation.normalize import merge as merge_pass
from router.planner import fragments
from router.planner.build import FetchGraphBuilder
from router.planner.document import DocumentWriter
from router.planner.search import Search
from tests.kit.oracle.campaign import Campaign
from tests.kit.planted_fault import planted_fault

pytestmark = pytest.mark.anyio

#: a function, a text in it, what stands there instead
Fault: TypeAlias = tuple[Callable[..., Any], str, str]

_CASE_COUNT = 500

_FAULTS: dict[str, tuple[int, list[Fault]]] = {
    "a third guard is dropped in answers": (
        28,
        [(ShapeBuilder._holds, "in guards)", "in guards[:2])")],
    ),
    "a third guard is dropped in planning": (
        44,
        [
            (
                fragments.join_guards,
                "g for g in other if g not in one)",
                "g for g in other[:2 - len(one)] if g not in one)",
            )
        ],
    ),
    "a third guard is not written into documents": (
        70,
        [(DocumentWriter._guarded, "for guard in guards:\n        text", "for guard in ():\n        text")],
    ),
    "the guards of a fragment around a fragment are lost": (
        3,
        [(fragments.flatten, "inner_guards = join_guards(guards, selection.guards)", "inner_guards = guards")],
    ),
    "of guards in between levels only the innermost is kept": (
        79,
        [
            (
                fragments.spread,
                "inner_guards = join_guards(guards, selection.guards)",
                "inner_guards = selection.guards or guards",
            )
        ],
    ),
    "guards are lost where a field goes into the one before it": (
        4,
        [(merge_pass._add_field, "if left else field.selections", "if False else field.selections")],
    ),
    "guards above an entity fetch are not repeated in it": (
        44,
        [(FetchGraphBuilder._take, "join_guards(part.guards, spot.entry_guards)", "part.guards")],
    ),
    "an interface object is asked for its type": (
        3,
        [(Search._options, "if node.kind is NodeKind.INTERFACE_OBJECT:", "if False:")],
    ),
    "the interface's name stays where the type's name comes later": (
        3,
        [
            (
                FetchGraphBuilder._take,
                "not is_abstract and move.target.kind is not NodeKind.INTERFACE_OBJECT",
                "not is_abstract",
            ),
            (merge.merge_into, "known in abstract_names and", "False and"),
        ],
    ),
}


@pytest.mark.parametrize(("seed", "faults"), _FAULTS.values(), ids=_FAULTS)
async def test_the_oracle_sees_a_planted_fault(seed: int, faults: list[Fault]) -> None:
    campaign = Campaign(seed, _CASE_COUNT)
    with ExitStack() as stack:
        for fault in faults:
            stack.enter_context(planted_fault(*fault))
        async for _, difference in campaign.run():
            if difference is not None:
                return
    pytest.fail(f"not seen in {campaign.counts['cases']} cases")

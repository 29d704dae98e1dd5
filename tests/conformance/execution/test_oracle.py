"""Random operations, answered by plan and executor and by one schema over the same world.

`python -m tests.load.execution_oracle` compares any number on any supergraph.
"""

from random import Random

import pytest

from router.planner import Planner
from tests.conformance.planner.test_random_operations import SUPERGRAPH
from tests.kit.execution_oracle import Oracle

pytestmark = pytest.mark.anyio


async def test_the_router_answers_what_a_monolith_would() -> None:
    oracle = Oracle(SUPERGRAPH, Planner(SUPERGRAPH))
    compared = 0
    for seed in range(120):
        outcome = await oracle.compare(seed, Random(seed))  # noqa: S311  # repeatable
        assert outcome.difference is None, f"seed {seed}: {outcome.difference}"
        compared += not outcome.is_skipped
    assert compared > 60

"""Made-up supergraphs and operations, answered by plan and subgraphs as by one schema that has everything.

`python -m tests.load.oracle` goes on as far as wanted, and shows a case that differs at its smallest.
"""

from __future__ import annotations

import pytest

from tests.kit.oracle.campaign import Campaign

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("seed", [1_000_000, 2_000_000, 3_000_000])
async def test_the_answer_is_that_of_one_schema(seed: int) -> None:
    campaign = Campaign(seed, case_count=200)
    async for case, difference in campaign.run():
        assert difference is None, f"seed {campaign.seed}: {case.query} {dict(case.variables)}\n{difference}"
    assert campaign.counts["not composed"] < campaign.counts["supergraphs"] / 2, "most should compose"

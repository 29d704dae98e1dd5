"""How often a call may be repeated, and the time that is left."""

import asyncio

import pytest

from common.resilience import RetryBudget, deadline_scope, remaining_s

pytestmark = pytest.mark.anyio


def test_a_budget_keeps_retries_a_small_share_of_calls() -> None:
    budget = RetryBudget(ratio=0.2, reserve=10)
    retry_count = 0
    for _ in range(100):
        budget.pay_in()
        retry_count += budget.take_out() + budget.take_out()
    # 10 saved, 20 earned by 100 calls; a balance of less than one is none
    assert 28 <= retry_count <= 30


def test_an_inner_deadline_can_only_be_nearer() -> None:
    assert remaining_s(7) == 7
    with deadline_scope(60):
        assert 7 < remaining_s(70) <= 60
        assert remaining_s(7) == 7
        with deadline_scope(600):
            assert 7 < remaining_s(70) <= 60
        with deadline_scope(0):
            assert remaining_s(7) == 0
    assert remaining_s(7) == 7


async def test_tasks_inherit_the_deadline() -> None:
    async def left_s() -> float:
        return remaining_s(60)

    with deadline_scope(1):
        assert await asyncio.create_task(left_s()) <= 1
    assert await asyncio.create_task(left_s()) == 60

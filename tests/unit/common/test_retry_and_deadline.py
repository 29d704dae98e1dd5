"""Trying again within limits, and the time that is left."""

import asyncio

import pytest

from common.errors import BadInputError, RateLimitedError, UnavailableError
from common.resilience import RetryBudget, RetryPolicy, deadline_scope, remaining_s, retry
from tests.kit.virtual_time import VIRTUAL_TIME, Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


AT_ONCE = RetryPolicy(attempts=3, base_s=0)


class _Flaky:
    def __init__(self, *outcomes: Exception | str) -> None:
        self._outcomes = list(outcomes)
        self.call_count = 0

    async def __call__(self) -> str:
        self.call_count += 1
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_the_first_success_ends_it() -> None:
    flaky = _Flaky(UnavailableError(), ConnectionError(), "answer", "never asked")
    assert await retry(flaky, AT_ONCE) == "answer"
    assert flaky.call_count == 3


async def test_the_last_failure_is_what_the_caller_gets() -> None:
    with pytest.raises(TimeoutError, match="third"):
        await retry(_Flaky(OSError("first"), OSError("second"), TimeoutError("third")), AT_ONCE)


async def test_what_would_fail_again_is_not_repeated() -> None:
    flaky = _Flaky(BadInputError("wrong"), "never asked")
    with pytest.raises(BadInputError):
        await retry(flaky, AT_ONCE)
    assert flaky.call_count == 1


async def test_a_budget_keeps_retries_a_small_share_of_calls() -> None:
    budget = RetryBudget(ratio=0.2, reserve=10)
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise UnavailableError

    for _ in range(100):
        with pytest.raises(UnavailableError):
            await retry(fail, AT_ONCE, budget=budget)
    # 10 saved, 20 earned by 100 calls
    assert 100 + 28 <= calls <= 100 + 30


async def test_no_wait_outlasts_the_deadline() -> None:
    flaky = _Flaky(RateLimitedError(retry_after_s=60), "never asked")
    with deadline_scope(20), pytest.raises(RateLimitedError):
        await retry(flaky, AT_ONCE)
    assert asyncio.get_running_loop().time() == 0


async def test_the_other_side_s_wish_to_wait_is_respected() -> None:
    assert await retry(_Flaky(RateLimitedError(retry_after_s=5), "answer"), AT_ONCE) == "answer"
    assert asyncio.get_running_loop().time() >= 5


def test_delays_are_jittered_from_nothing_to_a_doubling_ceiling() -> None:
    policy = RetryPolicy(base_s=1, cap_s=5)
    for attempt, ceiling_s in ((1, 1), (2, 2), (3, 4), (4, 5), (2000, 5)):
        delays = [policy.delay_s(attempt) for _ in range(500)]
        assert 0 <= min(delays) < 0.1 * ceiling_s
        assert 0.9 * ceiling_s < max(delays) <= ceiling_s


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

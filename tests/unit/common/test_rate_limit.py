"""Rate limits in memory, and what happens when Redis is away."""

import pytest

from common.resilience import RateLimiter
from common.resilience.rate_limit import Strategy

pytestmark = pytest.mark.anyio
NOWHERE = "redis://127.0.0.1:9"


@pytest.mark.parametrize("strategy", ["fixed-window", "moving-window", "sliding-window"])
async def test_so_many_and_no_more_for_each_key(strategy: Strategy) -> None:
    limiter = RateLimiter("10/hour", name="login", strategy=strategy)
    allowed = [(await limiter.hit("alice")).is_allowed for _ in range(15)]
    assert allowed == [True] * 10 + [False] * 5
    assert (await limiter.hit("bob")).is_allowed
    denied = await limiter.hit("alice")
    assert 0 < denied.retry_after_s <= 3600


async def test_dear_requests_count_more() -> None:
    limiter = RateLimiter("10/hour", name="query")
    assert (await limiter.hit("alice", cost=8)).is_allowed
    assert not (await limiter.hit("alice", cost=3)).is_allowed
    assert (await limiter.hit("alice", cost=2)).is_allowed


async def test_endless_keys_are_different_keys_all_the_same() -> None:
    limiter = RateLimiter("1/hour", name="login")
    assert (await limiter.hit("a" * 1_000_000)).is_allowed
    assert (await limiter.hit("a" * 999_999 + "\ud800")).is_allowed
    assert not (await limiter.hit("a" * 1_000_000)).is_allowed


async def test_a_forgotten_key_counts_from_zero() -> None:
    limiter = RateLimiter("2/hour", name="login")
    for key in ("alice", "alice", "bob", "bob"):
        await limiter.hit(key)
    await limiter.forget("alice")
    assert [(await limiter.hit(key)).is_allowed for key in ("alice", "alice", "alice", "bob")] == [
        True,
        True,
        False,
        False,
    ]


async def test_a_key_that_cannot_be_forgotten_is_no_error() -> None:
    limiter = RateLimiter("1/hour", name="login", redis_url=NOWHERE)
    await limiter.forget("alice")
    await limiter.close()


@pytest.mark.parametrize("fail_open", [True, False])
async def test_without_its_storage_it_lets_everybody_in_or_nobody(fail_open: bool) -> None:
    limiter = RateLimiter("1/hour", name="login", redis_url=NOWHERE, fail_open=fail_open)
    decisions = [await limiter.hit("alice") for _ in range(3)]
    await limiter.close()
    assert [decision.is_allowed for decision in decisions] == [fail_open] * 3


def test_a_limit_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="parse"):
        RateLimiter("many", name="login")

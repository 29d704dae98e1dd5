"""The limit that follows how late answers come."""

from __future__ import annotations

import asyncio

import pytest

from common.resilience import AdaptiveLimit
from tests.kit.clock import FrozenClock

pytestmark = pytest.mark.anyio


def call(limit: AdaptiveLimit, clock: FrozenClock, seconds: float, *, was_answered: bool = True) -> float:
    """One call; the limit after it."""
    assert limit.take()
    began_at = limit.now()
    clock.advance(seconds)
    limit.leave(began_at, was_answered=was_answered)
    return limit.limit


def test_answers_in_time_leave_the_limit_where_it_was() -> None:
    clock = FrozenClock()
    limit = AdaptiveLimit(10, highest=64, clock=clock)
    assert {call(limit, clock, seconds) for seconds in (0.0, 1.0, 4.9)} == {64}


def test_late_answers_halve_it_down_to_the_lowest_and_once_for_each_time_that_is_late() -> None:
    clock = FrozenClock()
    limit = AdaptiveLimit(10, highest=64, lowest=10, clock=clock)
    began_at = limit.now()
    assert all(limit.take() for _ in range(3))
    clock.advance(5)
    limits = []
    for _ in range(3):  # all at the same moment: one piece of news
        limit.leave(began_at, was_answered=True)
        limits.append(limit.limit)
    limits += [call(limit, clock, 5, was_answered=False), call(limit, clock, 10), call(limit, clock, 10)]
    assert limits == [32, 32, 32, 16, 10, 10]


def test_a_call_that_takes_long_by_itself_says_nothing_while_later_ones_are_answered_in_time() -> None:
    clock = FrozenClock()
    limit = AdaptiveLimit(10, highest=64, clock=clock)
    assert limit.take()
    began_at = limit.now()
    clock.advance(4)
    call(limit, clock, 1)
    clock.advance(4)
    limit.leave(began_at, was_answered=True)
    assert limit.limit == 64


async def test_those_over_the_limit_have_their_turn_in_order_and_make_it_grow() -> None:
    clock, order = FrozenClock(), []
    limit = AdaptiveLimit(3600, highest=64, lowest=1, clock=clock)
    while limit.limit > 1:
        call(limit, clock, 1800)

    async def caller(name: int) -> None:
        if limit.take() or await limit.wait():
            began_at = limit.now()
            order.append((name, limit.in_flight))
            await asyncio.sleep(0)
            limit.leave(began_at, was_answered=True)

    async with asyncio.TaskGroup() as group:
        for name in range(10):
            group.create_task(caller(name))
    assert order == [(name, 1) for name in range(10)]
    assert 1 < limit.limit < 2
    assert (limit.in_flight, limit.waiting_count) == (0, 0)


async def test_answers_that_say_no_do_not_make_it_grow() -> None:
    clock = FrozenClock()
    limit = AdaptiveLimit(3600, highest=64, lowest=1, clock=clock)
    while limit.limit > 1:
        call(limit, clock, 1800)
    assert limit.take()
    waiting = asyncio.create_task(limit.wait())
    await asyncio.sleep(0)
    limit.leave(limit.now(), was_answered=False)
    assert (await waiting, limit.limit) == (True, 1)


async def test_who_waits_too_long_is_refused() -> None:
    limit = AdaptiveLimit(0.02, highest=1)
    assert limit.take()
    assert not await limit.wait()
    assert (limit.in_flight, limit.waiting_count) == (1, 0)


def test_nobody_waits_long_while_answers_were_late_a_moment_ago() -> None:
    clock = FrozenClock()
    limit = AdaptiveLimit(10, clock=clock)
    patience_s = [limit.patience_s]
    call(limit, clock, 6)
    patience_s.append(limit.patience_s)
    clock.advance(50)
    assert [*patience_s, limit.patience_s] == [5, 1, 5]


async def test_a_turn_that_comes_to_one_who_has_just_gone_is_the_next_ones() -> None:
    limit = AdaptiveLimit(3600, highest=1)
    assert limit.take()
    first, second, third = (asyncio.create_task(limit.wait()) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    limit.leave(limit.now(), was_answered=True)  # while the first does not know yet that it is cancelled
    assert await second
    limit.leave(limit.now(), was_answered=True)
    third.cancel()  # after it was given its turn
    await asyncio.gather(first, third, return_exceptions=True)
    assert (limit.in_flight, limit.waiting_count, limit.take()) == (0, 0, True)

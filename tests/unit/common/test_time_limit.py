"""A time limit shared by many, with one timer."""

import asyncio

import pytest

from common.resilience import TimeLimit
from tests.kit.virtual_time import VIRTUAL_TIME, Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


async def _take(limit: TimeLimit, seconds: float) -> str:
    try:
        with limit.started():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "too late"
    return "in time"


async def test_who_takes_longer_is_stopped_and_the_others_are_not() -> None:
    limit = TimeLimit(0.05)
    first = asyncio.gather(*(_take(limit, seconds) for seconds in (0.0, 5.0, 0.01)))
    await asyncio.sleep(0.03)
    assert list(await asyncio.gather(_take(limit, 0.03), _take(limit, 5.0))) == ["in time", "too late"]
    assert await first == ["in time", "too late", "in time"]


async def test_each_has_its_whole_time_also_after_a_pause() -> None:
    limit = TimeLimit(0.05)
    assert await _take(limit, 0.04) == "in time"
    assert await _take(limit, 0.04) == "in time"
    await asyncio.sleep(0.06)
    started = asyncio.get_running_loop().time()
    assert await _take(limit, 5.0) == "too late"
    assert asyncio.get_running_loop().time() - started == pytest.approx(0.05)


async def test_a_cancellation_from_elsewhere_is_not_taken_for_the_end_of_the_time() -> None:
    task = asyncio.ensure_future(_take(TimeLimit(5.0), 5.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_inner_limit_ends_before_an_outer_one_and_only_itself() -> None:
    outer, inner = TimeLimit(1.0), TimeLimit(0.01)
    with outer.started():
        assert await _take(inner, 5.0) == "too late"
        await asyncio.sleep(0)


async def test_an_error_of_the_block_s_own_passes() -> None:
    with pytest.raises(KeyError), TimeLimit(5.0).started():
        raise KeyError

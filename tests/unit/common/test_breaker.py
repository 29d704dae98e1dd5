"""The circuit breaker, and each thing aiobreaker alone gets wrong."""

import asyncio
from collections.abc import Awaitable, Callable

import aiobreaker
import pytest
from prometheus_client import CollectorRegistry

from common.errors import BadInputError, CircuitOpenError
from common.resilience import BreakerMetrics, CircuitBreaker
from common.telemetry import Metrics
from tests.kit.clock import FrozenClock

pytestmark = pytest.mark.anyio


class _Changes(aiobreaker.CircuitBreakerListener):  # type: ignore[misc]  # aiobreaker publishes no types
    def __init__(self) -> None:
        self.states: list[str] = []

    def state_change(self, breaker: object, old: object, new: aiobreaker.state.CircuitBreakerBaseState) -> None:
        self.states.append(new.state.name)


async def _answer() -> str:
    return "answer"


async def _fail() -> str:
    raise ConnectionError("away")


async def _open(breaker: CircuitBreaker) -> None:
    for _ in range(breaker.fail_max):
        with pytest.raises(ConnectionError):
            await breaker.call(_fail)


def _breaker(clock: FrozenClock, changes: _Changes, *, fail_max: int) -> CircuitBreaker:
    return CircuitBreaker("orders", clock=clock, reset_timeout_s=10, listeners=[changes], fail_max=fail_max)


async def test_after_failures_in_a_row_nobody_is_let_through_until_the_time_is_over() -> None:
    clock, changes = FrozenClock(), _Changes()
    breaker = _breaker(clock, changes, fail_max=3)
    await _open(breaker)
    clock.advance(4)
    with pytest.raises(CircuitOpenError, match="orders") as refusal:
        await breaker.call(_answer)
    assert refusal.value.retry_after_s == 6
    clock.advance(6)
    assert await breaker.call(_answer) == "answer"
    assert changes.states == ["OPEN", "HALF_OPEN", "CLOSED"]
    assert not breaker.is_open


async def test_the_call_that_trips_it_gets_its_own_exception() -> None:
    breaker = _breaker(FrozenClock(), _Changes(), fail_max=1)
    with pytest.raises(ConnectionError, match="away"):
        await breaker.call(_fail)
    assert breaker.is_open


async def test_a_success_starts_the_count_anew() -> None:
    breaker = _breaker(FrozenClock(), _Changes(), fail_max=2)
    for function in (_fail, _answer, _fail):
        await asyncio.gather(breaker.call(function), return_exceptions=True)
    assert not breaker.is_open


async def test_of_many_calls_one_is_the_trial() -> None:
    clock, changes = FrozenClock(), _Changes()
    breaker = _breaker(clock, changes, fail_max=1)
    await _open(breaker)
    clock.advance(10)
    may_end = asyncio.Event()
    let_through = 0

    async def wait() -> None:
        nonlocal let_through
        let_through += 1
        await may_end.wait()

    calls = [asyncio.create_task(breaker.call(wait)) for _ in range(50)]
    await asyncio.sleep(0)
    may_end.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert let_through == 1
    assert sum(isinstance(outcome, CircuitOpenError) for outcome in outcomes) == 49
    assert changes.states == ["OPEN", "HALF_OPEN", "CLOSED"]


async def test_a_failed_trial_opens_it_for_the_whole_time_again() -> None:
    clock, changes = FrozenClock(), _Changes()
    breaker = _breaker(clock, changes, fail_max=1)
    await _open(breaker)
    clock.advance(10)
    with pytest.raises(ConnectionError):
        await breaker.call(_fail)
    clock.advance(9.9)
    with pytest.raises(CircuitOpenError):
        await breaker.call(_answer)
    assert changes.states == ["OPEN", "HALF_OPEN", "OPEN"]


async def test_a_cancelled_trial_makes_room_for_another() -> None:
    clock = FrozenClock()
    breaker = _breaker(clock, _Changes(), fail_max=1)
    await _open(breaker)
    clock.advance(10)
    trial = asyncio.create_task(breaker.call(asyncio.sleep, 60))
    await asyncio.sleep(0)
    trial.cancel()
    await asyncio.wait([trial])
    assert await breaker.call(_answer) == "answer"


def _late(outcome: Callable[[], Awaitable[str]], may_end: asyncio.Event) -> Callable[[], Awaitable[str]]:
    async def call() -> str:
        await may_end.wait()
        return await outcome()

    return call


async def test_calls_begun_before_the_opening_neither_open_it_again_nor_close_it() -> None:
    clock, changes = FrozenClock(), _Changes()
    breaker = _breaker(clock, changes, fail_max=2)
    may_end = asyncio.Event()
    late = [asyncio.create_task(breaker.call(_late(outcome, may_end))) for outcome in (_fail, _fail, _fail, _answer)]
    await asyncio.sleep(0)
    await _open(breaker)
    clock.advance(9)
    may_end.set()
    await asyncio.gather(*late, return_exceptions=True)
    clock.advance(1)
    assert await breaker.call(_answer) == "answer", "the time was not started anew"
    assert changes.states == ["OPEN", "HALF_OPEN", "CLOSED"]


async def test_refusals_of_the_other_side_are_answers() -> None:
    breaker = CircuitBreaker(
        "orders", fail_max=1, clock=FrozenClock(), is_failure=lambda error: not isinstance(error, BadInputError)
    )

    async def refuse() -> None:
        raise BadInputError("no such product")

    for _ in range(3):
        with pytest.raises(BadInputError):
            await breaker.call(refuse)
    assert not breaker.is_open


async def test_operators_see_its_state() -> None:
    registry = CollectorRegistry()
    clock = FrozenClock()
    breaker = CircuitBreaker("orders", fail_max=2, clock=clock, listeners=[BreakerMetrics(Metrics(registry))])
    await _open(breaker)

    def value(metric: str) -> float | None:
        return registry.get_sample_value(f"punnet_circuit_breaker_{metric}", {"name": "orders"})

    assert (value("state"), value("openings_total"), value("failures_total")) == (2, 1, 2)
    clock.advance(10)
    await breaker.call(_answer)
    assert value("state") == 0

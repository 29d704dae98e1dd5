"""A circuit breaker per dependency: after some failures in a row nobody is let through for a while, then one trial
decides.

On aiobreaker, whose states and listeners are kept, with what it gets wrong put right: one trial at a time when half
open (it lets everybody through), a cancelled trial frees its place, calls that began before a change of state do not
count after it, the caller gets the original exception of the call that tripped it, and time is monotonic (its wall
clock fails east of UTC). Timeouts belong inside the guarded function, else they are cancellations, which say nothing
about the dependency.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import ParamSpec, TypeVar

import aiobreaker
from aiobreaker.state import CircuitBreakerState

from common.clock import Clock, SystemClock
from common.errors import CircuitOpenError
from common.telemetry.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")

_NUMBER_BY_STATE = {CircuitBreakerState.CLOSED: 0, CircuitBreakerState.HALF_OPEN: 1, CircuitBreakerState.OPEN: 2}


class CircuitBreaker(aiobreaker.CircuitBreaker):  # type: ignore[misc]  # aiobreaker publishes no types
    """`await breaker.call(function, …)`. `is_failure` tells which exceptions speak against the dependency; others count
    as an answer. `listeners` as aiobreaker defines them, but nobody is told of a success."""

    def __init__(
        self,
        name: str,
        *,
        fail_max: int = 5,
        reset_timeout_s: float = 10.0,
        clock: Clock | None = None,
        is_failure: Callable[[Exception], bool] = lambda _: True,
        listeners: Iterable[aiobreaker.CircuitBreakerListener] = (),
    ) -> None:
        super().__init__(fail_max=fail_max, listeners=listeners, name=name)
        self._reset_timeout_s = reset_timeout_s
        self._clock = clock or SystemClock()
        self._is_failure = is_failure
        self._opened_at_s = 0.0
        self._has_trial = False
        #: closed, and no failure since the last success: nothing to look at, nothing to reset
        self._is_untroubled = False
        #: counts changes of state: a call knows whether it still speaks for the present one
        self._generation = 0

    @property
    def is_open(self) -> bool:
        """True while calls are refused or on trial."""
        return self.current_state is not CircuitBreakerState.CLOSED

    async def call(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns or raises. Raises CircuitOpenError, without calling it, when not let through."""
        generation = self.admit()
        try:
            result = await function(*args, **kwargs)
        except Exception as exc:
            self.settle(generation, exc)
            raise
        except BaseException:
            self.give_up(generation)
            raise
        self.settle(generation, None)
        return result

    #: aiobreaker's name for it; its decorator uses this one
    call_async = call

    def open(self) -> None:
        self._opened_at_s = self._clock.monotonic()
        self._change(CircuitBreakerState.OPEN)

    def half_open(self) -> None:
        self._change(CircuitBreakerState.HALF_OPEN)

    def close(self) -> None:
        self._change(CircuitBreakerState.CLOSED)

    def _change(self, state: CircuitBreakerState) -> None:
        self._generation += 1
        self._has_trial = False
        self._is_untroubled = False
        # the setter makes the state object, which notifies the listeners
        self.state = self._state_storage.state = state

    def admit(self) -> int:
        """For who wants no call around the call: first this, then one of `settle` and `give_up` with what it gave.
        Raises CircuitOpenError."""
        if self._is_untroubled:
            return self._generation
        if self.current_state is CircuitBreakerState.OPEN:
            wait_s = self._opened_at_s + self._reset_timeout_s - self._clock.monotonic()
            if wait_s > 0:
                raise CircuitOpenError(f"the circuit of {self.name} is open", retry_after_s=wait_s)
            self.half_open()
        if self.current_state is CircuitBreakerState.HALF_OPEN:
            if self._has_trial:
                raise CircuitOpenError(f"the circuit of {self.name} is on trial", retry_after_s=self._reset_timeout_s)
            self._has_trial = True
        return self._generation

    def give_up(self, generation: int) -> None:
        """The call was cancelled: no verdict, but the place of a trial is free again."""
        if generation == self._generation:
            self._has_trial = False

    def settle(self, generation: int, error: Exception | None) -> None:
        """The call came to its end."""
        if generation != self._generation:
            return
        if error is not None and self._is_failure(error):
            self._is_untroubled = False
            self._inc_counter()
            for listener in self.listeners:
                listener.failure(self, error)
            if self.current_state is CircuitBreakerState.HALF_OPEN or self.fail_counter >= self.fail_max:
                self.open()
            return
        if not self._is_untroubled:
            self._state_storage.reset_counter()
            if self.current_state is CircuitBreakerState.HALF_OPEN:
                self.close()
            self._is_untroubled = True


class BreakerMetrics(aiobreaker.CircuitBreakerListener):  # type: ignore[misc]  # aiobreaker publishes no types
    """State (0 closed, 1 half open, 2 open), openings and failures of each breaker it listens to, by name."""

    def __init__(self, metrics: Metrics) -> None:
        self._state = metrics.gauge("punnet_circuit_breaker_state", "0 closed, 1 half open, 2 open.", ("name",))
        self._openings = metrics.counter("punnet_circuit_breaker_openings_total", "Times it opened.", ("name",))
        self._failures = metrics.counter("punnet_circuit_breaker_failures_total", "Failed calls.", ("name",))

    def failure(self, breaker: aiobreaker.CircuitBreaker, exception: Exception) -> None:
        self._failures.labels(breaker.name).inc()

    def state_change(
        self,
        breaker: aiobreaker.CircuitBreaker,
        old: aiobreaker.state.CircuitBreakerBaseState,
        new: aiobreaker.state.CircuitBreakerBaseState,
    ) -> None:
        self._state.labels(breaker.name).set(_NUMBER_BY_STATE[new.state])
        if new.state is CircuitBreakerState.OPEN:
            self._openings.labels(breaker.name).inc()

from __future__ import annotations

from opentelemetry.sdk.trace.sampling import Decision

from common.telemetry.sampling import AtMostPerSecond
from tests.kit.clock import FrozenClock


def test_a_burst_is_let_through_and_then_as_many_as_the_rate_allows() -> None:
    clock = FrozenClock()
    sampler = AtMostPerSecond(10, clock.monotonic)

    def recorded(count: int) -> int:
        return sum(
            sampler.should_sample(None, number, "span").decision is Decision.RECORD_AND_SAMPLE
            for number in range(count)
        )

    at_once = recorded(100)
    clock.advance(0.35)
    a_third_of_a_second_later = recorded(100)
    clock.advance(3600)
    after_an_hour = recorded(100)
    assert (at_once, a_third_of_a_second_later, after_an_hour) == (10, 3, 10)

"""Who was suspended or erased is refused until their tokens have expired anyway."""

from datetime import timedelta

import pytest

from common.auth import ANONYMOUS, Principal
from common.errors import UnauthenticatedError
from common.events import new_event
from common.subgraph.revocations import REMEMBERED, Revocations
from tests.kit.clock import FrozenClock

SUE = Principal("usr_sue")


def told(revocations: Revocations, clock: FrozenClock, what: str, version: int, user_id: str = "usr_sue") -> None:
    event = new_event(
        f"users.user.{what}",
        aggregate_id=user_id,
        aggregate_version=version,
        payload={},
        source="users",
        clock=clock,
    )
    revocations.hear(event)


def is_refused(revocations: Revocations, principal: Principal = SUE) -> bool:
    try:
        revocations.require_valid(principal)
    except UnauthenticatedError:
        return True
    return False


@pytest.mark.parametrize("what", ["suspended", "erased"])
def test_tokens_of_who_was_suspended_or_erased_are_refused_and_no_others(what: str) -> None:
    clock = FrozenClock()
    revocations = Revocations(clock)
    assert not is_refused(revocations)
    told(revocations, clock, what, 2)
    assert is_refused(revocations)
    assert not is_refused(revocations, Principal("usr_tom"))
    assert not is_refused(revocations, ANONYMOUS)


def test_who_was_reinstated_may_come_in_again_whatever_is_heard_late() -> None:
    clock = FrozenClock()
    revocations = Revocations(clock)
    told(revocations, clock, "reinstated", 3)
    told(revocations, clock, "suspended", 2)
    assert not is_refused(revocations)
    told(revocations, clock, "suspended", 4)
    told(revocations, clock, "suspended", 4)
    assert is_refused(revocations)


def test_nobody_is_remembered_for_longer_than_their_tokens_live() -> None:
    clock = FrozenClock()
    revocations = Revocations(clock)
    told(revocations, clock, "erased", 2)
    clock.advance(REMEMBERED.total_seconds() - 1)
    assert is_refused(revocations)
    clock.advance(2)
    assert not is_refused(revocations)
    told(revocations, clock, "erased", 2, "usr_tom")
    assert len(revocations) == 1


def test_of_too_many_the_oldest_are_forgotten() -> None:
    clock = FrozenClock()
    revocations = Revocations(clock, most=3)
    for number in range(5):
        clock.advance(1)
        told(revocations, clock, "erased", 1, f"usr_{number}")
    assert len(revocations) == 3
    assert [is_refused(revocations, Principal(f"usr_{number}")) for number in range(5)] == [False] * 2 + [True] * 3
    assert timedelta(minutes=15) < REMEMBERED < timedelta(minutes=30)

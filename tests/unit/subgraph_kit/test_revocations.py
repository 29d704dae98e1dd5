"""Tokens that have ended are refused until they have expired anyway."""

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


@pytest.mark.parametrize("what", ["suspended", "erased", "roles_removed", "password_changed", "logged_out"])
def test_tokens_from_before_are_refused_and_no_others(what: str) -> None:
    clock = FrozenClock()
    revocations = Revocations(clock)
    assert not is_refused(revocations)
    told(revocations, clock, what, 2)
    assert is_refused(revocations)
    assert is_refused(revocations, Principal("usr_sue", account_version=1))
    assert not is_refused(revocations, Principal("usr_sue", account_version=2))
    assert not is_refused(revocations, Principal("usr_tom"))
    assert not is_refused(revocations, ANONYMOUS)


def test_tokens_of_a_login_that_has_ended_are_refused_whatever_their_version() -> None:
    clock = FrozenClock()
    revocations = Revocations(clock)
    revocations.hear(
        new_event(
            "users.session.ended", aggregate_id="ses_1", aggregate_version=1, payload={}, source="users", clock=clock
        )
    )
    assert is_refused(revocations, Principal("usr_sue", session="ses_1", account_version=9))
    assert not is_refused(revocations, Principal("usr_sue", session="ses_2"))


def test_what_is_heard_late_brings_no_older_token_back() -> None:
    clock = FrozenClock()
    revocations = Revocations(clock)
    told(revocations, clock, "suspended", 4)
    told(revocations, clock, "password_changed", 2)
    told(revocations, clock, "suspended", 4)
    assert is_refused(revocations, Principal("usr_sue", account_version=3))


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

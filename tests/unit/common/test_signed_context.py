"""The signed context: what the router says about the caller, believed by subgraphs and by nobody else."""

from dataclasses import replace

import jwt
import pytest

from common.auth import ANONYMOUS, ContextSigner, ContextVerifier, Principal, sign_context
from common.errors import UnauthenticatedError
from tests.kit.clock import FrozenClock

SECRET = b"0123456789abcdef0123456789abcdef"
OTHER = b"fedcba9876543210fedcba9876543210"
ALICE = Principal("usr_1", frozenset({"CUSTOMER"}), frozenset({"orders:read"}))


@pytest.mark.parametrize("principal", [ALICE, ANONYMOUS, replace(ALICE, session="ses_1", account_version=7)])
def test_the_subgraph_learns_who_calls(principal: Principal) -> None:
    clock = FrozenClock()
    assert ContextVerifier([SECRET], clock).verify(ContextSigner(SECRET, clock).sign(principal)) == principal


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c"])
def test_without_a_context_nobody_gets_in(token: str | None) -> None:
    with pytest.raises(UnauthenticatedError):
        ContextVerifier([SECRET], FrozenClock()).verify(token)


def test_a_context_is_worth_a_minute_also_when_it_was_seen_before() -> None:
    clock = FrozenClock()
    verifier = ContextVerifier([SECRET], clock)
    token = ContextSigner(SECRET, clock).sign(ALICE)
    clock.advance(64)
    assert verifier.verify(token) == ALICE
    clock.advance(1)
    with pytest.raises(UnauthenticatedError, match="expired"):
        verifier.verify(token)


def test_the_router_signs_a_principal_once_per_half_minute() -> None:
    clock = FrozenClock()
    signer = ContextSigner(SECRET, clock)
    first = signer.sign(ALICE)
    clock.advance(29)
    assert signer.sign(ALICE) is first
    assert signer.sign(ANONYMOUS) != first
    clock.advance(1)
    assert signer.sign(ALICE) != first


def test_another_secret_another_algorithm_and_another_token_are_refused() -> None:
    clock = FrozenClock()
    now_s = int(clock.now().timestamp())
    verifier = ContextVerifier([SECRET], clock)
    ours = {"iss": "punnet-router", "aud": "punnet-subgraph", "iat": now_s, "exp": now_s + 60, "sub": "usr_1"}
    forged = [
        sign_context(ALICE, secret=OTHER, now_s=now_s),
        jwt.encode(ours, "", algorithm="none"),
        jwt.encode(ours, SECRET * 2, algorithm="HS512"),
        jwt.encode(ours | {"aud": "punnet-api"}, SECRET, algorithm="HS256"),
        jwt.encode(ours | {"iss": "punnet"}, SECRET, algorithm="HS256"),
        jwt.encode({"iss": "punnet-router", "aud": "punnet-subgraph", "iat": now_s}, SECRET, algorithm="HS256"),
        jwt.encode(ours | {"iat": now_s + 100}, SECRET, algorithm="HS256"),
    ]
    for token in forged:
        with pytest.raises(UnauthenticatedError):
            verifier.verify(token)


def test_during_rotation_both_secrets_are_accepted() -> None:
    clock = FrozenClock()
    verifier = ContextVerifier([OTHER, SECRET], clock)
    assert verifier.verify(ContextSigner(SECRET, clock).sign(ALICE)) == ALICE
    assert verifier.verify(ContextSigner(OTHER, clock).sign(ALICE)) == ALICE


def test_short_secrets_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ContextSigner(b"short", FrozenClock())
    with pytest.raises(ValueError, match="32 bytes"):
        ContextVerifier([], FrozenClock())

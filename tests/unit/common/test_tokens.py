"""Access tokens: ours are accepted, forged, stale and crafted ones are refused, and key sources are not flooded."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from common.auth import (
    Principal,
    RefreshedKeys,
    StaticKeys,
    TokenSigner,
    TokenVerifier,
    generate_private_key,
    key_set,
    key_source,
    load_private_key,
    parse_key_set,
)
from common.errors import UnauthenticatedError
from tests.kit.clock import FrozenClock

pytestmark = pytest.mark.anyio
KEY = load_private_key(generate_private_key())
OTHER_KEY = load_private_key(generate_private_key())
ALICE = Principal("usr_1", frozenset({"CUSTOMER"}), frozenset({"orders:read", "orders:write"}))


def _signer(clock: FrozenClock, **options: Any) -> TokenSigner:
    return TokenSigner(KEY, **{"issuer": "punnet", "audience": "punnet-api", "clock": clock, **options})


def _verifier(clock: FrozenClock, **options: Any) -> TokenVerifier:
    keys = options.pop("keys", StaticKeys(parse_key_set(key_set(KEY).encode())))
    return TokenVerifier(keys, **{"issuer": "punnet", "audience": "punnet-api", "clock": clock, **options})


async def test_a_token_tells_who_its_owner_is() -> None:
    clock = FrozenClock()
    signed = _signer(clock).sign(ALICE, nick="al")
    verified = await _verifier(clock).verify(signed.token)
    assert verified.principal == ALICE
    assert (verified.expires_at, verified.claims["nick"]) == (signed.expires_at, "al")
    assert (signed.expires_at - clock.now()).total_seconds() == 900


async def test_claims_of_a_caller_s_own_cannot_replace_ours() -> None:
    clock = FrozenClock()
    token = _signer(clock).sign(ALICE, sub="usr_2", exp=2**40, roles="ADMIN").token
    verified = await _verifier(clock).verify(token)
    assert verified.principal == ALICE


async def test_a_token_expires_after_its_leeway_also_when_it_was_seen_before() -> None:
    clock = FrozenClock()
    verifier = _verifier(clock)
    token = _signer(clock, lifetime_s=60).sign(ALICE).token
    await verifier.verify(token)
    clock.advance(89)
    await verifier.verify(token)
    clock.advance(1)
    with pytest.raises(UnauthenticatedError, match="expired"):
        await verifier.verify(token)


async def test_a_token_from_the_future_is_refused() -> None:
    clock = FrozenClock()
    ahead = FrozenClock()
    ahead.advance(31)
    with pytest.raises(UnauthenticatedError, match="not valid yet"):
        await _verifier(clock).verify(_signer(ahead).sign(ALICE).token)
    with pytest.raises(UnauthenticatedError, match="not valid yet"):
        await _verifier(clock).verify(_encode(clock, nbf=clock.now().timestamp() + 31))


def _encode(clock: FrozenClock, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    now_s = int(clock.now().timestamp())
    payload = {"iss": "punnet", "aud": "punnet-api", "sub": "usr_1", "iat": now_s, "exp": now_s + 60} | claims
    payload = {name: value for name, value in payload.items() if value is not None}
    kid = _signer(clock).kid
    return jwt.encode(payload, KEY, algorithm="EdDSA", headers={"kid": kid} | (headers or {}))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"aud": None},
        {"iss": None},
        {"aud": "another"},
        {"iss": "another"},
        {"exp": True},
        {"exp": 2**60},
        {"exp": "soon"},
        {"sub": ""},
        {"sub": 7},
        {"sub": "usr_1\r\nx-admin: yes"},
        {"sub": "u" * 256},
        {"sid": 7},
        {"sid": "ses_1\r\n"},
        {"account_version": "7"},
        {"account_version": True},
        {"roles": {"ADMIN": True}},
        {"scope": [1, 2]},
        {"roles": ["CUSTOMER ADMIN"]},
        {"roles": ["ADMIN\r\n"]},
        {"scope": ["a" * 101]},
    ],
)
async def test_a_token_with_missing_or_unusable_claims_is_refused(claims: dict[str, Any]) -> None:
    clock = FrozenClock()
    with pytest.raises(UnauthenticatedError):
        await _verifier(clock).verify(_encode(clock, **claims))


async def test_roles_and_scopes_are_read_from_lists_too() -> None:
    clock = FrozenClock()
    verified = await _verifier(clock).verify(_encode(clock, roles=["A", "B"], scope="x:read  x:write"))
    assert verified.principal == Principal("usr_1", frozenset({"A", "B"}), frozenset({"x:read", "x:write"}))


async def test_a_token_says_which_login_it_belongs_to_and_how_old_it_is() -> None:
    clock = FrozenClock()
    principal = replace(ALICE, session="ses_1", account_version=7)
    assert (await _verifier(clock).verify(_signer(clock).sign(principal).token)).principal == principal


def _forged(header: dict[str, Any], clock: FrozenClock, sign: Callable[[bytes], bytes]) -> str:
    now_s = int(clock.now().timestamp())
    payload = {"iss": "punnet", "aud": "punnet-api", "sub": "usr_1", "iat": now_s, "exp": now_s + 60}
    head = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload))
    return (head + b"." + base64.urlsafe_b64encode(sign(head)).rstrip(b"=")).decode()


async def test_tokens_without_signature_or_signed_with_the_public_key_are_refused() -> None:
    clock = FrozenClock()
    kid = _signer(clock).kid
    public = KEY.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    forged = [_forged({"alg": algorithm, "kid": kid}, clock, lambda _: b"") for algorithm in ("none", "None", "EdDSA")]
    for key in (raw, pem):
        sign = partial(hmac.digest, key, digest="sha256")
        forged.append(_forged({"alg": "HS256", "kid": kid}, clock, sign))
    forged.append(_forged({"alg": "EdDSA", "kid": kid}, clock, OTHER_KEY.sign))
    for token in forged:
        with pytest.raises(UnauthenticatedError):
            await _verifier(clock).verify(token)


async def test_headers_that_point_elsewhere_for_a_key_are_not_followed() -> None:
    clock = FrozenClock()
    jwk = json.loads(key_set(OTHER_KEY))["keys"][0]
    pointers = {"jku": "http://attacker.example/keys", "x5u": "http://attacker.example/x", "jwk": jwk}
    for kid in (_signer(clock).kid, jwk["kid"]):
        with pytest.raises(UnauthenticatedError):
            await _verifier(clock).verify(_forged({"alg": "EdDSA", "kid": kid, **pointers}, clock, OTHER_KEY.sign))


@pytest.mark.parametrize("kid", [None, "", 7, "../../dev/null", "' OR 1=1 --", "k" * 1000])
async def test_a_kid_is_a_name_and_nothing_else(kid: Any) -> None:
    clock = FrozenClock()
    with pytest.raises(UnauthenticatedError):
        await _verifier(clock).verify(_forged({"alg": "EdDSA", "kid": kid}, clock, KEY.sign))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "eyJ", "\x00", "é.é.é", "a" * 10_000_000])
async def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await _verifier(FrozenClock()).verify(token)


async def test_an_extension_that_must_be_understood_is_refused() -> None:
    clock = FrozenClock()
    with pytest.raises(UnauthenticatedError):
        await _verifier(clock).verify(_encode(clock, headers={"crit": ["b64"], "b64": False}))


def test_symmetric_algorithms_cannot_be_configured() -> None:
    with pytest.raises(ValueError, match="asymmetric"):
        _verifier(FrozenClock(), algorithms=("EdDSA", "HS256"))


def test_the_published_key_set_holds_no_private_part() -> None:
    (jwk,) = json.loads(key_set(KEY))["keys"]
    assert set(jwk) == {"kty", "crv", "x", "use", "alg", "kid"}


def test_keys_for_other_uses_and_symmetric_ones_are_left_out_of_a_key_set() -> None:
    usable = json.loads(key_set(KEY))["keys"][0]
    entries = [
        usable,
        usable | {"kid": "enc", "use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "OKP", "crv": "Unknown", "x": "AA", "kid": "new"},
        {"kty": "EC"},
        "text",
    ]
    assert set(parse_key_set(json.dumps({"keys": entries}).encode())) == {usable["kid"]}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'{"keys": {}}', b"\xff"])
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        parse_key_set(data)


class _Source:
    """A key set somewhere else, which counts how often it is read."""

    def __init__(self) -> None:
        self.text: str | None = key_set(KEY)
        self.read_count = 0

    async def fetch(self) -> bytes:
        self.read_count += 1
        if self.text is None:
            raise ConnectionError("down")
        return self.text.encode()


async def test_a_flood_of_unknown_kids_reads_the_source_once_per_half_minute() -> None:
    clock, source = FrozenClock(), _Source()
    keys = RefreshedKeys(source.fetch, clock)
    for number in range(1000):
        assert await keys.key(f"made-up-{number}") is None
    assert source.read_count == 1
    clock.advance(30)
    for number in range(1000):
        assert await keys.key(f"made-up-{number}") is None
    assert source.read_count == 2


async def test_who_asks_while_the_keys_are_being_read_waits_for_them() -> None:
    clock, source, kid = FrozenClock(), _Source(), _signer(FrozenClock()).kid

    async def slow_fetch() -> bytes:
        await asyncio.sleep(0.01)
        return await source.fetch()

    keys = RefreshedKeys(slow_fetch, clock)
    impatient = asyncio.create_task(keys.key(kid))
    await asyncio.sleep(0)
    impatient.cancel()
    found = await asyncio.gather(*(keys.key(kid) for _ in range(20)))
    assert None not in found
    assert source.read_count == 1


async def test_a_new_key_is_found_and_a_withdrawn_one_forgotten() -> None:
    clock, source = FrozenClock(), _Source()
    keys = RefreshedKeys(source.fetch, clock)
    verifier = _verifier(clock, keys=keys)
    old = _signer(clock, lifetime_s=3600).sign(ALICE).token
    await verifier.verify(old)
    source.text = key_set(OTHER_KEY)
    clock.advance(30)
    new = TokenSigner(OTHER_KEY, issuer="punnet", audience="punnet-api", clock=clock).sign(ALICE).token
    await verifier.verify(new)
    clock.advance(31)
    with pytest.raises(UnauthenticatedError, match="unknown key"):
        await verifier.verify(old)


async def test_keys_stay_in_use_while_their_source_is_down() -> None:
    clock, source = FrozenClock(), _Source()
    keys = RefreshedKeys(source.fetch, clock)
    kid = _signer(clock).kid
    assert await keys.key(kid) is not None
    source.text = None
    clock.advance(301)
    assert await keys.key(kid) is not None
    assert source.read_count == 2


async def test_keys_come_from_text_or_file(tmp_path: Any) -> None:
    kid = _signer(FrozenClock()).kid
    path = tmp_path / "keys.json"
    path.write_text(key_set(KEY))
    for text in (key_set(KEY), str(path)):
        assert await key_source(text).key(kid) is not None
    missing = key_source(str(tmp_path / "absent.json"))
    assert await missing.key(kid) is None

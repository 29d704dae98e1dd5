"""Who is calling, what they may see, and how often they may ask."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import jwt
import orjson
import pytest

from common.auth import ANONYMOUS, Principal, TokenSigner, generate_private_key, load_private_key
from common.clock import SystemClock
from router.config.security import RateLimitConfig
from router.pipeline.authenticate import Caller
from router.pipeline.rate_limit import caller_key
from tests.kit.clock import FrozenClock
from tests.kit.virtual_time import VIRTUAL_TIME, Backend
from tests.unit.pipeline.setting import router

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


@pytest.fixture(scope="module")
def signer() -> TokenSigner:
    key = load_private_key(generate_private_key())
    return TokenSigner(key, issuer="shop", audience="api", clock=SystemClock())


def jwt_config(signer: TokenSigner, more: str = "") -> str:
    jwks = orjson.dumps(signer.jwks).decode()
    return (
        f"authentication: {{router: {{jwt: {{jwks: [{{url: {jwks}, issuers: [shop], audiences: [api]}}], {more}}}}}}}"
    )


def bearer(signer: TokenSigner, *scopes: str) -> dict[str, str]:
    token = signer.sign(Principal("usr_1", scopes=frozenset(scopes))).token
    return {"authorization": f"Bearer {token}"}


async def test_a_caller_without_token_is_anonymous_and_one_with_a_bad_token_is_refused(signer: TokenSigner) -> None:
    good = bearer(signer)["authorization"]
    async with router(jwt_config(signer)) as client:
        anonymous = await client.post("{ count }")
        known = await client.post("{ count }", headers={"authorization": good})
        forged = await client.post("{ count }", headers={"authorization": good[:-4] + "AAAA"})
        other_scheme = await client.post("{ count }", headers={"authorization": "Basic dXNlcjpwYXNz"})
        empty = await client.post("{ count }", headers={"authorization": "Bearer "})
    assert anonymous.json == known.json == {"data": {"count": 1}}
    assert (forged.status, forged.codes) == (401, ["AUTH_ERROR"])
    assert forged.headers["www-authenticate"].startswith("Bearer")
    assert [(reply.status, reply.codes) for reply in (other_scheme, empty)] == [(400, ["AUTH_ERROR"])] * 2


async def test_tokens_of_others_and_unsigned_ones_are_refused(signer: TokenSigner) -> None:
    now = datetime.now(UTC)
    claims = {"sub": "usr_1", "iss": "shop", "aud": "api", "iat": now, "exp": now + timedelta(hours=1)}
    stranger = TokenSigner(load_private_key(generate_private_key()), issuer="shop", audience="api", clock=SystemClock())
    public_part = orjson.loads(signer.jwks)["keys"][0]["x"]
    tokens = [
        stranger.sign(Principal("usr_1")).token,
        jwt.encode(claims, "", algorithm="none", headers={"kid": signer.kid}),
        jwt.encode(claims, public_part, algorithm="HS256", headers={"kid": signer.kid}),
    ]
    expired = TokenSigner(
        load_private_key(generate_private_key()), issuer="shop", audience="api", clock=FrozenClock(), lifetime_s=1
    )
    tokens.append(expired.sign(Principal("usr_1")).token)
    async with router(jwt_config(signer)) as client:
        replies = [await client.post("{ count }", headers={"authorization": f"Bearer {token}"}) for token in tokens]
    assert [reply.status for reply in replies] == [401] * len(tokens)


async def test_a_bad_token_makes_the_caller_anonymous_where_that_is_configured(signer: TokenSigner) -> None:
    async with router(jwt_config(signer, "on_error: Continue")) as client:
        reply = await client.post("{ user { email } }", headers={"authorization": "Bearer x.y.z"})
    assert reply.json["data"] == {"user": {"email": None}}


async def test_tokens_come_from_other_headers_and_cookies_as_configured(signer: TokenSigner) -> None:
    token = bearer(signer)["authorization"].removeprefix("Bearer ")
    sources = "sources: [{type: cookie, name: session}, {type: header, name: X-Token, value_prefix: Token}]"
    async with router(jwt_config(signer, sources)) as client:
        by_cookie = await client.post("{ user { email } }", headers={"cookie": f"a=b; session={token}"})
        by_header = await client.post("{ user { email } }", headers={"x-token": f"Token {token}"})
    assert by_cookie.json == by_header.json == {"data": {"user": {"email": "an@example.org"}}}


async def test_everybody_must_have_a_token_where_authentication_is_required(signer: TokenSigner) -> None:
    async with router(jwt_config(signer) + "\nauthorization: {require_authentication: true}") as client:
        refused = await client.post("{ count }")
        served = await client.post("{ count }", headers=bearer(signer))
    assert (refused.status, refused.codes, served.status) == (401, ["UNAUTHENTICATED"], 200)


async def test_denied_fields_are_null_and_named_with_their_paths() -> None:
    async with router() as client:
        reply = await client.post("{ users { id mail: email } user { boss { email } } }")
    assert reply.status == 200
    assert reply.json["data"] == {
        "users": [{"id": "1", "mail": None}, {"id": "2", "mail": None}],
        "user": {"boss": {"email": None}},
    }
    assert [(error["path"], error["extensions"]["code"]) for error in reply.json["errors"]] == [
        (["users", "mail"], "UNAUTHORIZED_FIELD_OR_TYPE"),
        (["user", "boss", "email"], "UNAUTHORIZED_FIELD_OR_TYPE"),
    ]


async def test_a_denied_field_that_cannot_be_null_takes_the_nearest_nullable_one_with_it() -> None:
    async with router() as client:
        nested = await client.post("{ user { id boss { id salary } } }")
        root = await client.post("{ users { salary } count }")
    assert nested.json["data"] == {"user": {"id": "1", "boss": None}}
    assert root.json["data"] is None
    assert [error["path"] for error in nested.json["errors"]] == [["user", "boss", "salary"]]


async def test_one_set_of_scopes_is_enough_and_has_to_be_whole(signer: TokenSigner) -> None:
    async with router(jwt_config(signer)) as client:
        salaries = [
            (await client.post("{ user { salary } }", headers=bearer(signer, *scopes))).json["data"]["user"]
            for scopes in ((), ("hr:read",), ("admin",), ("admin", "audit"))
        ]
    assert salaries == [None, {"salary": 5}, None, {"salary": 5}]


async def test_a_fragment_on_a_denied_type_is_left_out(signer: TokenSigner) -> None:
    query = "{ found { __typename ... on User { id } ... on Vault { id } } }"
    async with router(jwt_config(signer)) as client:
        stranger = await client.post(query)
        known = await client.post(query, headers=bearer(signer))
    assert stranger.json["data"]["found"] == [{"__typename": "User", "id": "1"}, {"__typename": "Vault"}]
    assert known.json["data"]["found"] == [{"__typename": "User", "id": "1"}, {"__typename": "Vault", "id": "9"}]
    assert [error["path"] for error in stranger.json["errors"]] == [["found"]]


async def test_a_field_is_judged_as_if_it_were_included_whatever_its_guards_say() -> None:
    query = "query ($x: Boolean!) { user { id email @include(if: $x) } }"
    async with router() as client:
        for included, user in ((False, {"id": "1"}), (True, {"id": "1", "email": None})):
            reply = await client.post(query, variables={"x": included})
            assert reply.json["data"] == {"user": user}


async def test_policies_are_asked_of_the_application() -> None:
    async def friends(principal: Principal, named: frozenset[str]) -> frozenset[str]:
        assert named == {"friend"}
        return named

    async with router() as client:
        assert (await client.post("{ user { diary } }")).json["data"] == {"user": {"diary": None}}
    async with router(check_policies=friends) as client:
        assert (await client.post("{ user { diary } }")).json == {"data": {"user": {"diary": "!"}}}


@pytest.mark.parametrize(
    ("directives", "status", "body"),
    [
        ("reject_unauthorized: true", 403, None),
        ("dry_run: true", 200, {"data": {"user": {"email": "an@example.org"}}}),
        ("enabled: false", 200, {"data": {"user": {"email": "an@example.org"}}}),
        ("errors: {response: disabled}", 200, {"data": {"user": {"email": None}}}),
    ],
)
async def test_the_ways_to_treat_denied_fields(directives: str, status: int, body: object) -> None:
    async with router(f"authorization: {{directives: {{{directives}}}}}") as client:
        reply = await client.post("{ user { email } }")
    assert reply.status == status
    assert body is None or reply.json == body


async def test_a_caller_over_the_rate_is_told_when_to_come_back(signer: TokenSigner) -> None:
    config = jwt_config(signer) + "\nrate_limit: {capacity: 2, interval: 1m}"
    async with router(config) as client:
        statuses = [(await client.post("{ count }")).status for _ in range(3)]
        limited = await client.post("{ count }")
        other_caller = await client.post("{ count }", headers=bearer(signer))
    assert statuses == [200, 200, 429]
    assert limited.codes == ["REQUEST_RATE_LIMITED"]
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert other_caller.status == 200


async def test_one_bucket_for_all_as_apollo_has_it() -> None:
    async with router("traffic_shaping: {router: {global_rate_limit: {capacity: 1, interval: 60s}}}") as client:
        assert [(await client.post("{ count }")).status for _ in range(2)] == [200, 429]


async def test_beyond_the_concurrency_limit_requests_are_shed() -> None:
    async with router("traffic_shaping: {router: {concurrency_limit: 1}}") as client:
        first = asyncio.create_task(client.post("{ sleep(seconds: 0.1) }"))
        await asyncio.sleep(0.02)
        shed = await client.post("{ count }")
        await first
        served = await client.post("{ count }")
    assert (shed.status, shed.codes, served.status) == (503, ["REQUEST_CONCURRENCY_LIMITED"], 200)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.1", "192.0.2.1"),
        (1, "made-up, 198.51.100.1", "198.51.100.1"),
        (2, "made-up, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "198.51.100.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_an_address_is_believed_as_far_as_proxies_are_trusted(proxies: int, forwarded: str, address: str) -> None:
    config = RateLimitConfig.model_validate({"capacity": 1, "interval": "1s", "trusted_proxies": proxies})
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    assert caller_key(config, Caller(ANONYMOUS), headers, "192.0.2.1") == f"ip:{address}"

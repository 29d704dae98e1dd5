"""The users subgraph on real PostgreSQL and NATS."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from common.auth import ANONYMOUS, TokenVerifier, VerifiedToken, key_source
from common.clock import SystemClock
from common.events import Bus, CommandError
from common.ids import new_id, parse_id
from common.subgraph.statements import record_statements
from subgraphs.users.domain import Role
from subgraphs.users.seed import DEMO_ACCOUNTS, seed
from subgraphs.users.settings import UsersSettings
from tests.kit.people import register
from tests.kit.subgraph import SubgraphClient, as_user, fresh_database_name, running
from tests.kit.users import cheap_passwords, users_app, users_settings

pytestmark = pytest.mark.anyio

ADMIN, SUPPORT, CATALOG, ALICE, BOB = DEMO_ACCOUNTS
AS_ADMIN, AS_SUPPORT = as_user(ADMIN.public_id, Role.ADMIN), as_user(SUPPORT.public_id, Role.SUPPORT)
AS_ALICE, AS_BOB = as_user(ALICE.public_id, Role.CUSTOMER), as_user(BOB.public_id, Role.CUSTOMER)

LOGIN = """mutation($email: String!, $password: String!) { login(input: {email: $email, password: $password}) {
  user { id } tokens { accessToken refreshToken tokenType expiresIn }
  errors { __typename ... on UserError { message } } } }"""
REGISTER = """mutation($input: UserRegisterInput!) { userRegister(input: $input) {
  user { id name status } tokens { accessToken } errors { __typename ... on UserError { path } } } }"""
REFRESH = """mutation($token: String!) { tokenRefresh(refreshToken: $token) {
  tokens { accessToken refreshToken } errors { __typename } } }"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def settings(postgres_url: str, nats_url: str) -> UsersSettings:
    return users_settings(postgres_url, nats_url)


@pytest.fixture(scope="module")
async def users(settings: UsersSettings) -> AsyncIterator[SubgraphClient]:
    name = fresh_database_name("users")
    for _ in range(2):  # the second run finds everything there
        await seed(settings, database_name=name, passwords=cheap_passwords())
    async with running(users_app(settings, name)) as client:
        yield client


async def log_in(users: SubgraphClient, email: str, password: str) -> dict[str, Any]:
    tokens: dict[str, Any] = (await users.data(LOGIN, {"email": email, "password": password}))["login"]["tokens"]
    return tokens


async def verified(users: SubgraphClient, settings: UsersSettings, tokens: dict[str, Any]) -> VerifiedToken:
    jwks = (await users.http.get("/.well-known/jwks.json")).text
    verifier = TokenVerifier(
        key_source(jwks), issuer=settings.jwt_issuer, audience=settings.jwt_audience, clock=SystemClock()
    )
    return await verifier.verify(tokens["accessToken"])


async def test_a_demo_account_logs_in_and_its_token_says_who_it_is(
    users: SubgraphClient, settings: UsersSettings
) -> None:
    tokens = await log_in(users, f" {SUPPORT.email.upper()} ", SUPPORT.password)

    principal = (await verified(users, settings, tokens)).principal
    assert principal == replace(AS_SUPPORT, session=principal.session, account_version=1)
    assert str(principal.session).startswith("ses_")
    assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 900)


async def test_a_wrong_password_an_unknown_address_and_no_password_are_refused_alike(users: SubgraphClient) -> None:
    await users.data(REGISTER, {"input": {"name": "No Password", "email": "nopass@example.org"}})

    answers = [
        (await users.data(LOGIN, {"email": email, "password": "something wrong"}))["login"]
        for email in (BOB.email, "nobody@example.org", "nopass@example.org")
    ]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["errors"] == [
        {"__typename": "BadCredentialsError", "message": "The e-mail address or the password is wrong."}
    ]
    assert answers[0]["tokens"] is answers[0]["user"] is None


async def test_guessing_passwords_is_throttled_per_account(users: SubgraphClient) -> None:
    attempts = [await users.execute(LOGIN, {"email": "victim@example.org", "password": "guess"}) for _ in range(6)]

    assert [bool(answer.get("errors")) for answer in attempts] == [False] * 5 + [True]
    assert attempts[5]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    await log_in(users, ALICE.email, ALICE.password)


async def test_registration_logs_in_and_an_address_can_be_taken_once_only(users: SubgraphClient) -> None:
    carol = {"name": "Carol", "email": "carol@example.org", "password": "carol-password"}

    first = (await users.data(REGISTER, {"input": carol}))["userRegister"]
    second = (await users.data(REGISTER, {"input": {**carol, "email": "CAROL@example.org"}}))["userRegister"]

    assert (first["user"]["name"], first["user"]["status"], first["errors"]) == ("Carol", "ACTIVE", [])
    assert first["tokens"]["accessToken"]
    assert second == {
        "user": None,
        "tokens": None,
        "errors": [{"__typename": "EmailTakenError", "path": ["email"]}],
    }


async def test_where_registration_is_switched_off_nobody_gets_an_account(settings: UsersSettings) -> None:
    closed = settings.model_copy(update={"flags": '{"registration": false}'})
    async with running(users_app(closed)) as users:
        answer = (await users.data(REGISTER, {"input": {"name": "Eve", "email": "eve@example.org"}}))["userRegister"]
    assert (answer["user"], [error["__typename"] for error in answer["errors"]]) == (None, ["InvalidInputError"])


async def test_a_registration_with_a_key_is_repeated_only_by_who_knows_the_password(users: SubgraphClient) -> None:
    dave = {"name": "Dave", "email": "dave@example.org", "password": "dave-password", "idempotencyKey": "dave-1"}

    first = (await users.data(REGISTER, {"input": dave}))["userRegister"]
    again = (await users.data(REGISTER, {"input": dave}))["userRegister"]
    other_name = (await users.data(REGISTER, {"input": {**dave, "name": "David"}}))["userRegister"]
    thief = (await users.data(REGISTER, {"input": {**dave, "password": "not-daves-one"}}))["userRegister"]

    assert again["user"] == first["user"]
    conflict = {"__typename": "IdempotencyConflictError", "path": ["idempotencyKey"]}
    assert (other_name["errors"], thief["errors"]) == ([conflict], [conflict])
    assert thief["user"] is thief["tokens"] is None


async def test_of_ten_registrations_of_one_address_at_once_one_succeeds(users: SubgraphClient) -> None:
    walter = {"name": "Walter", "email": "walter@example.org", "password": "walter-password"}

    answers = await asyncio.gather(*(users.data(REGISTER, {"input": walter}) for _ in range(10)))

    outcomes = [[error["__typename"] for error in answer["userRegister"]["errors"]] for answer in answers]
    assert sorted(outcomes) == [[]] + [["EmailTakenError"]] * 9


async def test_of_ten_uses_of_a_refresh_token_at_once_one_succeeds_and_all_end(users: SubgraphClient) -> None:
    token = (await log_in(users, ADMIN.email, ADMIN.password))["refreshToken"]

    answers = await asyncio.gather(*(users.data(REFRESH, {"token": token}) for _ in range(10)))

    (winner,) = [answer["tokenRefresh"]["tokens"] for answer in answers if answer["tokenRefresh"]["tokens"]]
    afterwards = await users.data(REFRESH, {"token": winner["refreshToken"]})
    assert afterwards["tokenRefresh"] == {"tokens": None, "errors": [{"__typename": "BadCredentialsError"}]}


@pytest.mark.parametrize(
    ("change", "path"),
    [({"name": " "}, ["name"]), ({"email": "nobody"}, ["email"]), ({"password": "short"}, ["password"])],
)
async def test_a_registration_with_a_bad_field_names_it(
    users: SubgraphClient, change: dict[str, str], path: list[str]
) -> None:
    erin = {"name": "Erin", "email": "erin@example.org", "password": "erin-password"} | change

    answer = (await users.data(REGISTER, {"input": erin}))["userRegister"]

    assert answer == {"user": None, "tokens": None, "errors": [{"__typename": "InvalidInputError", "path": path}]}


async def test_a_refresh_token_works_once_and_reuse_ends_the_whole_login(users: SubgraphClient) -> None:
    stolen = (await log_in(users, BOB.email, BOB.password))["refreshToken"]

    async def refresh(token: str) -> dict[str, str] | None:
        payload = (await users.data(REFRESH, {"token": token}))["tokenRefresh"]
        tokens: dict[str, str] | None = payload["tokens"]
        assert bool(tokens) != bool(payload["errors"])
        return tokens

    rotated = await refresh(stolen)
    assert rotated is not None
    assert await refresh(stolen) is None
    assert await refresh(rotated["refreshToken"]) is None
    assert await refresh("made up") is None


async def test_logout_ends_the_login_of_its_token_and_logout_all_every_one(
    users: SubgraphClient, settings: UsersSettings
) -> None:
    laptop, phone = [await log_in(users, BOB.email, BOB.password) for _ in range(2)]
    on_laptop, on_phone = [(await verified(users, settings, tokens)).principal for tokens in (laptop, phone)]

    async def is_alive(tokens: dict[str, str]) -> bool:
        answer = (await users.data(REFRESH, {"token": tokens["refreshToken"]}))["tokenRefresh"]
        tokens.update(answer["tokens"] or {})
        return answer["tokens"] is not None

    assert on_laptop.session != on_phone.session
    assert await users.data("mutation { logout }", principal=on_laptop) == {"logout": True}
    for nobody in (AS_BOB, replace(AS_ALICE, session=on_phone.session)):
        assert await users.data("mutation { logout }", principal=nobody) == {"logout": False}
    assert (await is_alive(laptop), await is_alive(phone)) == (False, True)
    assert await users.data("mutation { logoutAll }", principal=on_phone) == {"logoutAll": True}
    assert not await is_alive(phone)


async def test_one_sees_oneself_support_sees_all_others_see_null(users: SubgraphClient) -> None:
    document = "query($id: ID!) { user(id: $id) { name email } }"
    alice = {"user": {"name": ALICE.name, "email": ALICE.email}}

    assert await users.data(document, {"id": ALICE.public_id}, AS_ALICE) == alice
    assert await users.data(document, {"id": ALICE.public_id}, AS_SUPPORT) == alice
    assert await users.data(document, {"id": ALICE.public_id}, AS_BOB) == {"user": None}
    assert await users.data(document, {"id": "ord_made_up"}, AS_SUPPORT) == {"user": None}
    anonymous = await users.execute(document, {"id": ALICE.public_id})
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_me_is_the_caller_or_null(users: SubgraphClient) -> None:
    assert await users.data("{ me { id } }", principal=AS_ALICE) == {"me": {"id": ALICE.public_id}}
    assert await users.data("{ me { id } }") == {"me": None}


async def test_fifty_references_are_one_statement_and_closed_to_other_customers(users: SubgraphClient) -> None:
    accounts = [ALICE, BOB, ADMIN] * 16
    representations = [{"__typename": "User", "id": account.public_id} for account in accounts]
    representations.append({"__typename": "User", "id": new_id("usr")})

    with record_statements(users.app.state.runtime.database.observer) as statements:
        seen_by_support = await users.entities("... on User { name email }", representations, AS_SUPPORT)
    seen_by_bob = await users.entities("... on User { name }", representations, AS_BOB)

    assert seen_by_support == [{"name": a.name, "email": a.email} for a in accounts] + [None]
    assert len([s for s in statements if "user_account" in s.text and "any(" in s.text]) == 1
    assert [user is not None for user in seen_by_bob] == [account is BOB for account in accounts] + [False]


async def test_users_are_paged_in_both_directions_without_gaps(users: SubgraphClient) -> None:
    document = """query($first: Int, $after: String, $last: Int, $before: String) {
      users(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor } nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } }"""
    everyone = (await users.data(document, {"first": 100}, AS_SUPPORT))["users"]
    ids = [node["id"] for node in everyone["nodes"]]

    forward: list[str] = []
    after = None
    while True:
        page = (await users.data(document, {"first": 2, "after": after}, AS_SUPPORT))["users"]
        forward += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    backward: list[str] = []
    before = None
    while True:
        page = (await users.data(document, {"last": 3, "before": before}, AS_SUPPORT))["users"]
        backward = [node["id"] for node in page["nodes"]] + backward
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break

    assert forward == backward == ids
    assert len(set(ids)) == len(ids) >= len(DEMO_ACCOUNTS)


async def test_staff_find_users_by_their_whole_address_and_by_nothing_less(users: SubgraphClient) -> None:
    document = "query($q: String) { users(query: $q) { nodes { name } } }"

    async def names(query: str) -> list[str]:
        return [user["name"] for user in (await users.data(document, {"q": query}, AS_ADMIN))["users"]["nodes"]]

    assert await names(f" {ALICE.email.upper()}") == [ALICE.name]
    assert [await names(query) for query in ("lice b", "alice@", "%", "", "nobody@example.org")] == [[]] * 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 101", "PAGE_SIZE_TOO_LARGE"),
        ('after: "junk"', "INVALID_CURSOR"),
        ("first: -1", "BAD_USER_INPUT"),
        ('after: "x", last: 1', "BAD_USER_INPUT"),
    ],
)
async def test_bad_page_arguments_have_codes(users: SubgraphClient, arguments: str, code: str) -> None:
    answer = await users.execute(f"{{ users({arguments}) {{ nodes {{ id }} }} }}", principal=AS_SUPPORT)

    assert answer["errors"][0]["extensions"]["code"] == code


async def test_a_customer_may_not_list_users_or_set_roles(users: SubgraphClient) -> None:
    listed = await users.execute("{ users { nodes { id } } }", principal=AS_ALICE)
    promoted = await users.execute(
        "mutation($id: ID!) { userRolesSet(id: $id, roles: [ADMIN]) { user { id } } }",
        {"id": ALICE.public_id},
        AS_ALICE,
    )

    assert [answer["errors"][0]["extensions"]["code"] for answer in (listed, promoted)] == ["FORBIDDEN", "FORBIDDEN"]


#: what each caller gets from a root field: "ok", "null" (as if it were not there) or an error code
MATRIX = {
    "query { me { id } }": ("null", "ok", "ok", "ok", "ok"),
    "query($id: ID!) { user(id: $id) { id } }": ("UNAUTHENTICATED", "null", "ok", "null", "ok"),
    "query { users(first: 1) { nodes { id } } }": ("UNAUTHENTICATED", "FORBIDDEN", "ok", "FORBIDDEN", "ok"),
    "mutation($id: ID!) { userUpdate(input: {id: $id}) { user { id } } }": (
        "UNAUTHENTICATED",
        "FORBIDDEN",
        "ok",
        "FORBIDDEN",
        "ok",
    ),
    "mutation($id: ID!) { userRolesSet(id: $id, roles: [CUSTOMER]) { user { id } } }": (
        "UNAUTHENTICATED",
        "FORBIDDEN",
        "FORBIDDEN",
        "FORBIDDEN",
        "ok",
    ),
    """mutation { addressSave(address: {street: "s", city: "c", zip: "z", country: "DE"}) { user { id } } }""": (
        "UNAUTHENTICATED",
        "ok",
        "ok",
        "ok",
        "ok",
    ),
    "mutation { logout }": ("UNAUTHENTICATED", "ok", "ok", "ok", "ok"),
}


@pytest.mark.parametrize("document", MATRIX)
async def test_each_role_may_do_what_the_table_says(users: SubgraphClient, document: str) -> None:
    """The table of callers and root fields; `$id` is another user's."""
    roles = {BOB: Role.CUSTOMER, SUPPORT: Role.SUPPORT, CATALOG: Role.CATALOG_MANAGER, ADMIN: Role.ADMIN}
    callers = [ANONYMOUS, *(as_user(account.public_id, role) for account, role in roles.items())]
    frank = {"name": "Frank", "email": f"frank{secrets.token_hex(4)}@example.org"}
    frank_id = (await users.data(REGISTER, {"input": frank}))["userRegister"]["user"]["id"]

    answers = [await users.execute(document, {"id": frank_id} if "$id" in document else {}, c) for c in callers]

    assert tuple(outcome(answer) for answer in answers) == MATRIX[document]


def outcome(answer: dict[str, Any]) -> str:
    if "errors" in answer:
        code: str = answer["errors"][0]["extensions"]["code"]
        return code
    (value,) = answer["data"].values()
    return "null" if value is None else "ok"


async def test_the_last_administrator_stays_one(users: SubgraphClient) -> None:
    document = """mutation($id: ID!, $roles: [Role!]!) { userRolesSet(id: $id, roles: $roles) {
      user { roles } errors { __typename ... on UserError { path } } } }"""

    refused = await users.data(document, {"id": ADMIN.public_id, "roles": ["SUPPORT"]}, AS_ADMIN)
    liz = await register(users, "Liz")
    granted = await users.data(document, {"id": liz.user_id, "roles": ["SUPPORT", "CUSTOMER"]}, AS_ADMIN)

    assert refused["userRolesSet"]["errors"] == [{"__typename": "InvalidInputError", "path": ["roles"]}]
    assert granted["userRolesSet"]["user"] == {"roles": ["CUSTOMER", "SUPPORT"]}


async def test_a_stale_update_is_refused(users: SubgraphClient) -> None:
    document = """mutation($id: ID!, $name: String, $v: Int) {
      userUpdate(input: {id: $id, name: $name, expectedVersion: $v}) { user { name } errors { __typename } } }"""

    rob = await register(users, "Rob")
    fresh = await users.data(document, {"id": rob.user_id, "name": "Robby", "v": 1}, rob.principal)
    stale = await users.data(document, {"id": rob.user_id, "name": "Robert", "v": 1}, rob.principal)
    foreign = await users.execute(document, {"id": rob.user_id, "name": "Mallory"}, AS_ALICE)

    assert fresh["userUpdate"] == {"user": {"name": "Robby"}, "errors": []}
    assert stale["userUpdate"] == {"user": None, "errors": [{"__typename": "InvalidInputError"}]}
    assert foreign["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_addresses_are_saved_sealed_and_shown_to_their_owner(users: SubgraphClient) -> None:
    document = """mutation($a: PostalAddressInput!, $id: ID) { addressSave(address: $a, id: $id, label: "home") {
      user { addresses { id label isDefault address { street city zip country name } } }
      errors { __typename ... on UserError { path } } } }"""
    home = {"street": "Elm Street 1", "city": "Springfield", "zip": "12345", "country": "us"}

    saved = (await users.data(document, {"a": home}, AS_ALICE))["addressSave"]
    address = saved["user"]["addresses"][0]
    moved = await users.data(document, {"a": {**home, "city": "Shelbyville"}, "id": address["id"]}, AS_ALICE)
    stolen = (await users.data(document, {"a": home, "id": address["id"]}, AS_BOB))["addressSave"]
    wrong = (await users.data(document, {"a": {**home, "country": "Narnia"}}, AS_ALICE))["addressSave"]
    rows = await users.app.state.runtime.database.fetch(
        "SELECT address_sealed FROM customer_address WHERE id = $1", [parse_id("adr", address["id"])]
    )

    assert address == {
        "id": address["id"],
        "label": "home",
        "isDefault": True,
        "address": {**home, "country": "US", "name": None},
    }
    assert [a["address"]["city"] for a in moved["addressSave"]["user"]["addresses"]] == ["Shelbyville"]
    assert stolen == {"user": None, "errors": [{"__typename": "NotFoundError", "path": ["id"]}]}
    assert wrong["errors"] == [{"__typename": "InvalidInputError", "path": ["address", "country"]}]
    assert len(rows) == 1
    assert b"Elm" not in rows[0]["address_sealed"]


async def test_no_table_holds_anything_personal_or_a_password_in_clear(users: SubgraphClient) -> None:
    canary = {"name": "Canary Frank", "email": "canary@example.org", "password": "canary-pass", "idempotencyKey": "f"}
    user_id = (await users.data(REGISTER, {"input": canary}))["userRegister"]["user"]["id"]
    as_canary = as_user(user_id, Role.CUSTOMER)
    update = """mutation($id: ID!) { userUpdate(input: {id: $id, phone: "+49 (170) 555-0199"}) {
      user { phone } errors { __typename } } }"""
    street = """mutation { addressSave(address: {street: "canary lane", city: "c", zip: "z", country: "DE"}) {
      errors { __typename } } }"""
    assert (await users.data(update, {"id": user_id}, as_canary))["userUpdate"]["user"] == {"phone": "+491705550199"}
    await users.data(street, principal=as_canary)

    database = users.app.state.runtime.database
    tables = [
        row["t"] for row in await database.fetch("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")
    ]
    dump = "".join([str(await database.fetch(f'SELECT t::text FROM "{table}" t')) for table in tables])  # noqa: S608

    assert str(parse_id("usr", user_id)) in dump
    for secret in ("canary", "1705550199"):
        assert secret not in dump.lower()
        assert secret.encode().hex() not in dump
    assert b"Canary".hex() not in dump


async def test_other_subgraphs_learn_contacts_by_command_and_registrations_by_event(
    users: SubgraphClient, nats_url: str
) -> None:
    bus = await Bus.connect(nats_url, name="test")
    try:
        assert await bus.request("commands.users.contact", {"user_id": ALICE.public_id}, timeout_s=60) == {
            "email": ALICE.email,
            "name": ALICE.name,
            "phone": None,
            "locale": "en",
        }
        with pytest.raises(CommandError) as refused:
            await bus.request("commands.users.contact", {"user_id": new_id("usr")}, timeout_s=60)
        assert refused.value.code == "NOT_FOUND"

        async with bus.subscribe("events.users.user.registered.*") as events:
            grace = {"name": "Grace", "email": "grace@example.org", "password": "grace-password"}
            user_id = (await users.data(REGISTER, {"input": grace}))["userRegister"]["user"]["id"]
            # the server is shared: registrations of other tests pass by as well
            event = await anext(event async for event in events if event.aggregate_id == user_id)
        assert (event.type, event.payload) == ("users.user.registered", {"user_id": user_id})
    finally:
        await bus.close()

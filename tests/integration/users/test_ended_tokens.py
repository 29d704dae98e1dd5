"""Access tokens end with the login, the password or the role they were issued for; later ones are good at once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import pytest

from common.events import Bus
from common.ids import parse_id
from subgraphs.users.domain import LinkKind, Role
from tests.kit.commerce import eventually
from tests.kit.people import PASSWORD, REFRESH, Person, caller_of, register, token_of
from tests.kit.subgraph import SubgraphClient, as_user

pytestmark = pytest.mark.anyio

Tokens = dict[str, str]

CHANGE = """mutation($new: String!, $old: String!) { passwordChange(input: {currentPassword: $old, newPassword: $new}) {
  tokens { accessToken refreshToken deviceToken } } }"""
RESET = """mutation($token: String!) { passwordReset(token: $token, newPassword: "another password") {
  tokens { accessToken refreshToken deviceToken } } }"""
ROLES = "mutation($id: ID!, $roles: [Role!]!) { userRolesSet(id: $id, roles: $roles) { errors { __typename } } }"
ADMIN = as_user("usr_01jxxxxxxxfs1rbfzdmwy7z5nq", Role.ADMIN)
WAITING = """SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def is_out(person: Person, tokens: Tokens) -> bool:
    """Whether an access token, which has not expired, is refused."""
    answer = await person.users.execute("{ me { id } }", principal=caller_of(tokens))
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes in ([], ["UNAUTHENTICATED"])
    return bool(codes)


async def logged_in(person: Person) -> Tokens:
    tokens: Tokens = (await person.log_in())["tokens"]
    return tokens


async def refreshed(person: Person, tokens: Tokens) -> Tokens:
    payload = (await person.users.data(REFRESH, {"token": tokens["refreshToken"]}))["tokenRefresh"]
    assert payload["errors"] == []
    new: Tokens = payload["tokens"]
    return new


async def test_a_logout_ends_the_access_token_of_its_login_and_of_no_other(shop: SubgraphClient) -> None:
    ann = await register(shop, "Ann")
    laptop, phone = await logged_in(ann), await logged_in(ann)
    laptop_later = await refreshed(ann, laptop)

    assert await shop.data("mutation { logout }", principal=caller_of(laptop)) == {"logout": True}

    await eventually(lambda: is_out(ann, laptop), True)
    assert await is_out(ann, laptop_later)
    assert not await is_out(ann, phone)
    assert not await is_out(ann, await logged_in(ann))


async def test_a_logout_everywhere_ends_all_and_the_next_login_works_at_once(shop: SubgraphClient) -> None:
    bob = await register(shop, "Bob")
    phone = await logged_in(bob)

    assert await shop.data("mutation { logoutAll }", principal=caller_of(phone)) == {"logoutAll": True}
    new = await logged_in(bob)

    await eventually(lambda: is_out(bob, phone), True)
    assert await is_out(bob, bob.tokens)
    assert not await is_out(bob, new)
    assert not await is_out(bob, await refreshed(bob, new))


async def test_a_new_password_ends_all_tokens_from_before_but_not_its_own(shop: SubgraphClient, bus: Bus) -> None:
    cyd = await register(shop, "Cyd")
    given = {"old": PASSWORD, "new": "a new password"}
    changed = (await shop.data(CHANGE, given, caller_of(cyd.tokens)))["passwordChange"]["tokens"]
    await eventually(lambda: is_out(cyd, cyd.tokens), True)
    assert not await is_out(cyd, changed)

    link = token_of(await cyd.link(bus, LinkKind.PASSWORD_RESET))
    reset = (await shop.data(RESET, {"token": link}))["passwordReset"]["tokens"]
    await eventually(lambda: is_out(cyd, changed), True)
    assert not await is_out(cyd, reset)


async def test_a_role_that_is_taken_away_ends_tokens_and_one_that_is_given_does_not(shop: SubgraphClient) -> None:
    dot = await register(shop, "Dot")

    async def set_roles(*roles: Role) -> None:
        answer = await shop.data(ROLES, {"id": dot.user_id, "roles": [role.value for role in roles]}, ADMIN)
        assert answer["userRolesSet"]["errors"] == []

    await set_roles(Role.CUSTOMER, Role.SUPPORT)
    as_support = await refreshed(dot, dot.tokens)
    assert "users:read_any" in caller_of(as_support).scopes
    await set_roles(Role.CUSTOMER)
    await eventually(lambda: is_out(dot, as_support), True)
    as_customer = await refreshed(dot, as_support)
    assert "users:read_any" not in caller_of(as_customer).scopes
    assert not await is_out(dot, as_customer)
    await set_roles(Role.CUSTOMER, Role.CATALOG_MANAGER)
    assert await told(shop, dot) == ["users.user.registered", "users.user.roles_removed"]


async def test_a_refresh_token_that_was_stolen_takes_the_access_tokens_with_it(shop: SubgraphClient) -> None:
    eve = await register(shop, "Eve")
    of_thief = await refreshed(eve, eve.tokens)
    assert not await eve.can_refresh(eve.tokens)
    await eventually(lambda: is_out(eve, of_thief), True)


async def told(shop: SubgraphClient, person: Person) -> list[str]:
    """Types of the events about somebody."""
    rows = await shop.app.state.runtime.database.fetch(
        "SELECT type FROM outbox WHERE aggregate_id = $1 ORDER BY seq", [person.user_id]
    )
    return [row["type"] for row in rows]


async def log_out(person: Person) -> object:
    return await person.users.data("mutation { logout }", principal=caller_of(person.tokens))


async def log_out_everywhere(person: Person) -> object:
    return await person.users.data("mutation { logoutAll }", principal=caller_of(person.tokens))


async def change_password(person: Person) -> object:
    return await person.users.data(CHANGE, {"old": PASSWORD, "new": "a new password"}, caller_of(person.tokens))


async def use_twice(person: Person) -> object:
    return await person.can_refresh(person.tokens)


@pytest.mark.parametrize("end", [log_out, log_out_everywhere, change_password, use_twice])
async def test_no_login_outlives_its_end_by_being_refreshed_at_that_moment(
    shop: SubgraphClient, end: Callable[[Person], Coroutine[Any, Any, object]]
) -> None:
    gus = await register(shop, "Gus")
    last = await refreshed(gus, gus.tokens)
    database = shop.app.state.runtime.database

    async def are_waiting(count: int) -> None:
        async def waiting() -> int:
            found: int = (await database.fetch(WAITING))[0]["count"]
            return found

        await eventually(waiting, count)

    # no transaction of the subgraph's: the tasks would be part of it
    holder = await asyncpg.connect(**database.server.connect_arguments(), database=database.name)
    try:
        async with holder.transaction():
            await holder.execute(
                "SELECT FROM refresh_token WHERE user_id = $1 FOR UPDATE", parse_id("usr", gus.user_id)
            )
            refreshing = asyncio.create_task(refreshed(gus, last))
            await are_waiting(1)
            ending = asyncio.create_task(end(gus))
            await are_waiting(2)
        next_one, _ = await asyncio.gather(refreshing, ending)
    finally:
        await holder.close()

    assert not await gus.can_refresh(next_one)

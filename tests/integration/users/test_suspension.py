"""Who is suspended is out at once, everywhere and also after a restart, and may log in again when reinstated."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from common.auth import Principal
from common.events import Bus
from subgraphs.users.domain import LinkKind, Role
from subgraphs.users.settings import UsersSettings
from tests.kit.commerce import eventually
from tests.kit.people import PASSWORD, Person, caller_of, register, token_of
from tests.kit.subgraph import SubgraphClient, as_user, fresh_database_name, running
from tests.kit.users import users_app

pytestmark = pytest.mark.anyio

ERRORS = "errors { __typename ... on UserError { message path } }"
SUSPEND = f"mutation($id: ID!) {{ userSuspend(id: $id) {{ user {{ status version }} {ERRORS} }} }}"
REINSTATE = f"mutation($id: ID!) {{ userReinstate(id: $id) {{ user {{ status version }} {ERRORS} }} }}"
ROLES = f"mutation($id: ID!, $roles: [Role!]!) {{ userRolesSet(id: $id, roles: $roles) {{ {ERRORS} }} }}"
LOGIN = f"mutation($input: LoginInput!) {{ login(input: $input) {{ user {{ id }} {ERRORS} }} }}"
CHANGE = f"""mutation($input: PasswordChangeInput!) {{ passwordChange(input: $input) {{ user {{ id }} {ERRORS} }} }}"""
ME = "{ me { name } }"
ADMIN = as_user("usr_01jxxxxxxxfs1rbfzdmwy7z5nq", Role.ADMIN)


async def said(users: SubgraphClient, document: str, person: Person, caller: Principal = ADMIN) -> dict[str, Any]:
    answer: dict[str, Any]
    (answer,) = (await users.data(document, {"id": person.user_id}, caller)).values()
    return answer


async def is_out(users: SubgraphClient, person: Person) -> bool:
    """Whether the token of somebody, which has not expired, is refused."""
    answer = await users.execute(ME, principal=caller_of(person.tokens))
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes in ([], ["UNAUTHENTICATED"])
    return bool(codes)


async def test_who_is_suspended_is_out_until_reinstated(shop: SubgraphClient, bus: Bus) -> None:
    sue, tom = await register(shop, "Sue"), await register(shop, "Tom")
    link = token_of(await sue.link(bus, LinkKind.PASSWORD_RESET))

    assert await said(shop, SUSPEND, sue) == {"user": {"status": "SUSPENDED", "version": 2}, "errors": []}
    assert await said(shop, SUSPEND, sue) == {"user": {"status": "SUSPENDED", "version": 2}, "errors": []}

    await eventually(lambda: is_out(shop, sue), True)
    assert not await is_out(shop, tom)
    assert await sue.can_refresh(sue.tokens) is False
    credentials = {"input": {"email": sue.email, "password": PASSWORD}}
    (refusal,) = (await shop.data(LOGIN, credentials))["login"]["errors"]
    assert (refusal["__typename"], "suspended" in refusal["message"]) == ("BadCredentialsError", True)
    credentials["input"]["password"] = "a wrong password"
    (refusal,) = (await shop.data(LOGIN, credentials))["login"]["errors"]
    assert "suspended" not in refusal["message"]
    reset = """mutation($token: String!) { passwordReset(token: $token, newPassword: "a new password") {
      errors { __typename } } }"""
    assert (await shop.data(reset, {"token": link}))["passwordReset"]["errors"]

    assert await said(shop, REINSTATE, sue) == {"user": {"status": "ACTIVE", "version": 3}, "errors": []}
    assert await said(shop, REINSTATE, sue) == {"user": {"status": "ACTIVE", "version": 3}, "errors": []}
    tokens = (await sue.log_in())["tokens"]
    assert "errors" not in await shop.execute(ME, principal=caller_of(tokens))
    assert await is_out(shop, sue)
    assert await sue.can_refresh(sue.tokens) is False


async def test_a_guest_who_was_suspended_is_a_guest_again(shop: SubgraphClient) -> None:
    guest = await register(shop, "Gil", password=None)
    await said(shop, SUSPEND, guest)
    assert (await said(shop, REINSTATE, guest))["user"]["status"] == "INACTIVE"


async def test_a_new_password_opens_no_suspended_account(shop: SubgraphClient) -> None:
    """Neither for who has a token that nobody has heard about yet."""
    uma = await register(shop, "Uma")
    database = shop.app.state.runtime.database
    await database.fetch("UPDATE user_account SET status = 'SUSPENDED' WHERE email_hash IS NOT NULL AND version = 1")
    given = {"input": {"currentPassword": PASSWORD, "newPassword": "a new password"}}
    (refusal,) = (await shop.data(CHANGE, given, uma.principal))["passwordChange"]["errors"]
    assert "suspended" in refusal["message"]
    await database.fetch("UPDATE user_account SET status = 'ACTIVE' WHERE status = 'SUSPENDED'")


async def test_the_last_administrator_is_not_suspended(shop: SubgraphClient) -> None:
    vic = await register(shop, "Vic")
    assert (await shop.data(ROLES, {"id": vic.user_id, "roles": ["ADMIN"]}, ADMIN))["userRolesSet"]["errors"] == []
    (refusal,) = (await said(shop, SUSPEND, vic))["errors"]
    assert refusal["__typename"] == "InvalidInputError"


async def test_only_administrators_suspend(shop: SubgraphClient) -> None:
    wes = await register(shop, "Wes")
    for document in (SUSPEND, REINSTATE):
        answer = await shop.execute(document, {"id": wes.user_id}, as_user(wes.user_id, Role.SUPPORT))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_other_processes_hear_of_it_and_one_that_starts_later_knows(
    postgres_url: str, nats_url: str, settings: UsersSettings
) -> None:
    name = fresh_database_name("users")
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(running(users_app(settings, name))) for _ in range(2)]
        xia = await register(first, "Xia")
        await said(first, SUSPEND, xia)
        await eventually(lambda: is_out(first, xia), True)
        await eventually(lambda: is_out(second, xia), True)
        third = await stack.enter_async_context(running(users_app(settings, name)))
        assert await is_out(third, xia)

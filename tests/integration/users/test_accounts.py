"""Profiles, addresses, guests, and the end of an account."""

import asyncio
import secrets
from typing import Any

import pytest

from common.events import Bus, CommandError
from common.ids import parse_id
from common.subgraph.statements import record_statements
from subgraphs.users.domain import MAX_ADDRESS_COUNT, LinkKind, Role
from tests.kit.people import REFRESH, REGISTER, Person, register, token_of
from tests.kit.subgraph import SubgraphClient, as_user

pytestmark = pytest.mark.anyio

ERRORS = "errors { __typename ... on UserError { path } }"
UPDATE = f"""mutation($input: UserUpdateInput!) {{ userUpdate(input: $input) {{
  user {{ name phone locale version }} {ERRORS} }} }}"""
SAVE = f"""mutation($street: String!, $id: ID, $default: Boolean! = false) {{
  addressSave(id: $id, isDefault: $default, address: {{street: $street, city: "c", zip: "z", country: "DE"}}) {{
    user {{ addresses {{ id isDefault address {{ street }} }} }} {ERRORS} }} }}"""
DELETE = f"mutation($id: ID!) {{ addressDelete(id: $id) {{ user {{ addresses {{ id isDefault }} }} {ERRORS} }} }}"
DEFAULT = f"mutation($id: ID!) {{ addressDefaultSet(id: $id) {{ user {{ addresses {{ id isDefault }} }} {ERRORS} }} }}"
ERASE = f"mutation($id: ID!) {{ userErase(id: $id) {{ user {{ name email status }} {ERRORS} }} }}"
ROLES = f"mutation($id: ID!, $roles: [Role!]!) {{ userRolesSet(id: $id, roles: $roles) {{ user {{ id }} {ERRORS} }} }}"
ADMIN = as_user("usr_01jxxxxxxxfs1rbfzdmwy7z5nq", Role.ADMIN)


async def change(person: Person, **values: Any) -> Any:
    answer = await person.users.data(UPDATE, {"input": {"id": person.user_id, **values}}, person.principal)
    return answer["userUpdate"]


async def save(person: Person, street: str, **more: Any) -> list[dict[str, Any]]:
    payload = (await person.users.data(SAVE, {"street": street, **more}, person.principal))["addressSave"]
    assert payload["errors"] == []
    addresses: list[dict[str, Any]] = payload["user"]["addresses"]
    return addresses


async def test_a_profile_changes_field_by_field(shop: SubgraphClient) -> None:
    amy = await register(shop, "Amy")

    assert (await change(amy, phone="+49 170 123-4567"))["user"] == {
        "name": "Amy",
        "phone": "+491701234567",
        "locale": "en",
        "version": 2,
    }
    assert (await change(amy, name="Amy B.", locale="de-AT"))["user"]["phone"] == "+491701234567"
    assert (await change(amy, phone=""))["user"] == {"name": "Amy B.", "phone": None, "locale": "de-AT", "version": 4}
    for field, value in (("phone", "0170 1234567"), ("locale", "Deutsch"), ("name", "\u202e")):
        assert (await change(amy, **{field: value}))["errors"] == [{"__typename": "InvalidInputError", "path": [field]}]


async def test_of_two_changes_of_one_version_one_is_refused(shop: SubgraphClient) -> None:
    bea = await register(shop, "Bea")

    answers = await asyncio.gather(*(change(bea, name=f"Bea {n}", expectedVersion=1) for n in range(5)))

    assert sorted(len(answer["errors"]) for answer in answers) == [0, 1, 1, 1, 1]


async def test_there_is_one_default_address_whatever_happens_at_once(shop: SubgraphClient, bus: Bus) -> None:
    cid, dan = await register(shop, "Cid"), await register(shop, "Dan")

    await asyncio.gather(*(save(cid, f"street {n}", default=True) for n in range(6)))
    addresses = await save(cid, "last", default=True)
    default = [address for address in addresses if address["isDefault"]]
    asked = await bus.request("commands.users.default_address", {"user_id": cid.user_id}, timeout_s=60)
    stolen = (await shop.data(DEFAULT, {"id": default[0]["id"]}, dan.principal))["addressDefaultSet"]
    foreign = (await shop.data(DELETE, {"id": default[0]["id"]}, dan.principal))["addressDelete"]

    assert [address["address"]["street"] for address in default] == ["last"]
    assert (asked["address"]["street"], asked["address"]["country"]) == ("last", "DE")
    assert stolen == foreign == {"user": None, "errors": [{"__typename": "NotFoundError", "path": ["id"]}]}
    moved = (await shop.data(DEFAULT, {"id": addresses[2]["id"]}, cid.principal))["addressDefaultSet"]
    assert [address["isDefault"] for address in moved["user"]["addresses"]] == [False, False, True] + [False] * 4
    left = (await shop.data(DELETE, {"id": addresses[2]["id"]}, cid.principal))["addressDelete"]["user"]["addresses"]
    assert [address["isDefault"] for address in left] == [True] + [False] * 5
    assert await bus.request("commands.users.default_address", {"user_id": dan.user_id}, timeout_s=60) == {
        "address": None
    }


async def test_an_account_keeps_so_many_addresses_and_no_more(shop: SubgraphClient) -> None:
    eve = await register(shop, "Eve")

    answers = await asyncio.gather(
        *(shop.data(SAVE, {"street": f"street {n}"}, eve.principal) for n in range(MAX_ADDRESS_COUNT + 3))
    )

    errors = [error for answer in answers for error in answer["addressSave"]["errors"]]
    assert errors == [{"__typename": "InvalidInputError", "path": ["address"]}] * 3


async def test_an_erased_account_leaves_its_id_and_nothing_else(shop: SubgraphClient, bus: Bus) -> None:
    fay, gus = await register(shop, "Fay"), await register(shop, "Gus")
    await save(fay, "canary street")
    await change(fay, phone="+491701234567")
    link = token_of(await fay.link(bus, LinkKind.PASSWORD_RESET))

    foreign = await shop.execute(ERASE, {"id": fay.user_id}, gus.principal)
    async with bus.subscribe("events.users.user.erased.*") as events:
        erased = (await shop.data(ERASE, {"id": fay.user_id}, fay.principal))["userErase"]
        event = await anext(event async for event in events if event.aggregate_id == fay.user_id)

    assert foreign["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert erased == {
        "user": {"name": "Erased user", "email": f"{fay.user_id}@erased.invalid", "status": "ERASED"},
        "errors": [],
    }
    assert event.payload == {"user_id": fay.user_id}
    again = (await shop.data(ERASE, {"id": fay.user_id}, ADMIN))["userErase"]
    assert again["errors"] == [{"__typename": "NotFoundError", "path": ["id"]}]
    assert await fay.can_refresh(fay.tokens) is False
    assert (await fay.log_in())["errors"][0]["__typename"] == "BadCredentialsError"
    reset = """mutation($token: String!) { passwordReset(token: $token, newPassword: "a new password") {
      errors { __typename } } }"""
    assert (await shop.data(reset, {"token": link}))["passwordReset"]["errors"]
    for command in ("contact", "default_address", "link"):
        with pytest.raises(CommandError):
            await bus.request(
                f"commands.users.{command}", {"user_id": fay.user_id, "kind": "password_reset"}, timeout_s=60
            )
    rows = await shop.app.state.runtime.database.fetch(
        """SELECT (SELECT count(*) FROM data_key WHERE subject = $1 AND wrapped_key <> '')
             + (SELECT count(*) FROM customer_address WHERE user_id = $1)
             + (SELECT count(*) FROM refresh_token WHERE user_id = $1)
             + (SELECT count(*) FROM one_time_token WHERE user_id = $1) AS n""",
        [parse_id("usr", fay.user_id)],
    )
    assert rows == [{"n": 0}]
    # entities of others, such as an old order's customer, still find somebody
    seen = await shop.entities("... on User { name }", [{"__typename": "User", "id": fay.user_id}], ADMIN)
    assert seen == [{"name": "Erased user"}]


async def test_an_erased_address_may_be_registered_anew(shop: SubgraphClient) -> None:
    hal = await register(shop, "Hal")
    await shop.data(ERASE, {"id": hal.user_id}, hal.principal)

    account = {"name": "Hal again", "email": hal.email, "password": "a good password"}
    payload = (await shop.data(REGISTER, {"input": account}))["userRegister"]

    assert payload["errors"] == []
    assert payload["user"]["id"] != hal.user_id


async def test_the_last_administrator_can_neither_be_made_less_nor_erased(shop: SubgraphClient) -> None:
    ida, jo = await register(shop, "Ida"), await register(shop, "Jo")

    async def set_roles(person: Person, *roles: str) -> list[str]:
        payload = (await shop.data(ROLES, {"id": person.user_id, "roles": roles}, ADMIN))["userRolesSet"]
        return [error["__typename"] for error in payload["errors"]]

    assert await set_roles(ida, "ADMIN") == []
    erased = (await shop.data(ERASE, {"id": ida.user_id}, ida.principal))["userErase"]
    assert [error["__typename"] for error in erased["errors"]] == ["InvalidInputError"]
    assert await set_roles(jo, "ADMIN") == []
    # of two who leave at once one stays
    answers = await asyncio.gather(set_roles(ida, "CUSTOMER"), set_roles(jo, "CUSTOMER"))
    assert sorted(answers) == [[], ["InvalidInputError"]]


async def test_a_registration_without_a_key_stores_no_answer(shop: SubgraphClient) -> None:
    await register(shop, "Kim")

    rows = await shop.app.state.runtime.database.fetch("SELECT count(*) AS n FROM idempotency")
    assert rows == [{"n": 0}]


async def test_logging_in_and_staying_logged_in_cost_few_statements(shop: SubgraphClient) -> None:
    lea = await register(shop, "Lea")

    observer = shop.app.state.runtime.database.observer
    with record_statements(observer, source="request") as at_login:
        tokens = (await lea.log_in())["tokens"]
        await asyncio.sleep(0)
    with record_statements(observer, source="request") as at_refresh:
        await shop.data(REFRESH, {"token": tokens["refreshToken"]})
        await asyncio.sleep(0)

    assert (len(at_login), len(at_refresh)) == (2, 1)


async def test_users_by_status_are_counted(shop: SubgraphClient, bus: Bus) -> None:
    async def counts() -> dict[str, float]:
        text = (await shop.http.get("/metrics")).text
        lines = [line.split() for line in text.splitlines() if line.startswith("ecommerce_users_total{")]
        return {name.partition('status="')[2].rstrip('"}'): float(value) for name, value in lines}

    before = await counts()
    await register(shop, "Max")
    guest = await register(shop, "Nel", password=None)
    reset = """mutation($token: String!) { passwordReset(token: $token, newPassword: "a new password") {
      errors { __typename } } }"""
    await shop.data(reset, {"token": token_of(await guest.link(bus, LinkKind.PASSWORD_RESET))})
    await shop.data(ERASE, {"id": guest.user_id}, guest.principal)
    after = await counts()

    assert {status: after[status] - before.get(status, 0) for status in after} == {
        "active": 2,
        "inactive": 1,
        "erased": 1,
    }


async def test_an_id_of_nobody_is_no_guest(bus: Bus, shop: SubgraphClient) -> None:
    for user_id in ("usr_1", secrets.token_hex(4), ADMIN.subject):
        assert await bus.request("commands.users.guest", {"user_id": user_id}, timeout_s=60) == {"is_guest": False}

"""Links in messages: verification, change of address, forgotten passwords."""

import asyncio
import secrets
from typing import Any

import pytest

from common.events import Bus, CommandError
from common.subgraph.statements import record_statements
from subgraphs.users.domain import LINK_LIFETIMES, LinkKind
from tests.kit.clock import FrozenClock
from tests.kit.commerce import eventually
from tests.kit.people import Person, register, token_of
from tests.kit.subgraph import SubgraphClient

pytestmark = pytest.mark.anyio

CONFIRM = "mutation($token: String!) { emailConfirm(token: $token) { confirmed errors { __typename } } }"
RESET = """mutation($token: String!, $password: String!) { passwordReset(token: $token, newPassword: $password) {
  user { id status } tokens { accessToken refreshToken deviceToken }
  errors { __typename ... on UserError { path } } } }"""
FORGOTTEN = "mutation($email: String!) { passwordResetRequest(email: $email) }"
CHANGE_EMAIL = """mutation($input: EmailChangeInput!) { emailChangeRequest(input: $input) {
  user { email newEmail } errors { __typename ... on UserError { path } } } }"""
ME = "{ me { email emailVerified newEmail status } }"
USED = {"user": None, "tokens": None, "errors": [{"__typename": "BadCredentialsError", "path": ["token"]}]}


async def reset(shop: SubgraphClient, token: str, password: str) -> Any:
    return (await shop.data(RESET, {"token": token, "password": password}))["passwordReset"]


async def confirm(shop: SubgraphClient, token: str) -> Any:
    return (await shop.data(CONFIRM, {"token": token}))["emailConfirm"]


async def me(person: Person) -> Any:
    return (await person.users.data(ME, principal=person.principal))["me"]


async def test_a_link_proves_the_mailbox_once(shop: SubgraphClient, bus: Bus) -> None:
    ann = await register(shop, "Ann")
    link = await ann.link(bus, LinkKind.EMAIL_VERIFICATION)

    assert (link["email"], link["name"]) == (ann.email, "Ann")
    assert link["url"].startswith("http://localhost:8080/account/email-verification#token=")
    assert (await me(ann))["emailVerified"] is False
    assert await confirm(shop, token_of(link)) == {"confirmed": True, "errors": []}
    assert (await me(ann))["emailVerified"] is True
    assert await confirm(shop, token_of(link)) == {
        "confirmed": False,
        "errors": [{"__typename": "BadCredentialsError"}],
    }
    with pytest.raises(CommandError):
        await ann.link(bus, LinkKind.EMAIL_VERIFICATION)


async def test_a_reset_sets_the_password_and_ends_every_login_and_device(shop: SubgraphClient, bus: Bus) -> None:
    ben = await register(shop, "Ben")
    first, second = await ben.link(bus, LinkKind.PASSWORD_RESET), await ben.link(bus, LinkKind.PASSWORD_RESET)

    weak = await reset(shop, token_of(first), "short")
    done = await reset(shop, token_of(first), "another password")

    assert weak["errors"] == [{"__typename": "InvalidInputError", "path": ["newPassword"]}]
    assert (done["user"], done["errors"]) == ({"id": ben.user_id, "status": "ACTIVE"}, [])
    assert await reset(shop, token_of(first), "a third password") == USED
    assert await reset(shop, token_of(second), "a third password") == USED
    assert await ben.can_refresh(ben.tokens) is False
    assert await ben.can_refresh(done["tokens"]) is True
    assert (await ben.log_in())["errors"][0]["__typename"] == "BadCredentialsError"
    assert (await ben.log_in(password="another password"))["errors"] == []


async def test_of_ten_uses_of_a_reset_link_at_once_one_succeeds(shop: SubgraphClient, bus: Bus) -> None:
    cid = await register(shop, "Cid")
    token = token_of(await cid.link(bus, LinkKind.PASSWORD_RESET))

    answers = await asyncio.gather(*(reset(shop, token, f"password number {n}") for n in range(10)))

    assert sorted(len(answer["errors"]) for answer in answers) == [0] + [1] * 9


async def test_a_link_is_good_for_its_kind_and_time_only(shop: SubgraphClient, bus: Bus, clock: FrozenClock) -> None:
    dee = await register(shop, "Dee")
    verification = token_of(await dee.link(bus, LinkKind.EMAIL_VERIFICATION))
    forgotten = token_of(await dee.link(bus, LinkKind.PASSWORD_RESET))

    assert await reset(shop, verification, "a new password") == USED
    assert (await confirm(shop, forgotten))["confirmed"] is False
    assert await reset(shop, "", "a new password") == USED
    clock.advance(LINK_LIFETIMES[LinkKind.PASSWORD_RESET].total_seconds())
    assert await reset(shop, forgotten, "a new password") == USED
    assert (await confirm(shop, verification))["confirmed"] is True


async def test_links_are_stored_as_hashes_and_the_oldest_of_many_go(shop: SubgraphClient, bus: Bus) -> None:
    eve = await register(shop, "Eve")
    links = [token_of(await eve.link(bus, LinkKind.PASSWORD_RESET)) for _ in range(7)]
    rows = await shop.app.state.runtime.database.fetch("SELECT t::text AS row FROM one_time_token t")

    assert not any(link in row["row"] for link in links for row in rows)
    assert await reset(shop, links[0], "a new password") == USED
    assert (await reset(shop, links[-1], "a new password"))["errors"] == []


async def test_a_guest_becomes_a_customer_through_a_link(shop: SubgraphClient, bus: Bus) -> None:
    gil = await register(shop, "Gil", password=None)
    asked = {"user_id": gil.user_id}

    assert await bus.request("commands.users.guest", asked, timeout_s=60) == {"is_guest": True}
    assert (await gil.log_in(password="whatever it is"))["errors"][0]["__typename"] == "BadCredentialsError"
    done = await reset(shop, token_of(await gil.link(bus, LinkKind.PASSWORD_RESET)), "a first password")
    assert done["user"]["status"] == "ACTIVE"
    assert await bus.request("commands.users.guest", asked, timeout_s=60) == {"is_guest": False}
    assert (await me(gil))["emailVerified"] is True


async def test_who_forgot_a_password_is_answered_alike_and_costs_the_same_whoever_it_is(
    shop: SubgraphClient, bus: Bus
) -> None:
    hal = await register(shop, "Hal")
    database = shop.app.state.runtime.database

    async def ask(email: str) -> tuple[Any, list[str]]:
        with record_statements(database.observer) as statements:
            answer = await shop.execute(FORGOTTEN, {"email": email})
            await asyncio.sleep(0)
        return answer, [s.text for s in statements if s.text.startswith("INSERT INTO password_reset_request")]

    async with bus.subscribe("events.users.user.password_reset_requested.*") as events:
        unknown = await ask(f"nobody.{secrets.token_hex(4)}@example.org")
        known = await ask(hal.email)
        event = await anext(event async for event in events if event.aggregate_id == hal.user_id)

    assert unknown == known
    assert unknown[0] == {"data": {"passwordResetRequest": True}}
    assert len(unknown[1]) == 1
    assert event.payload == {"user_id": hal.user_id, "kind": "password_reset"}
    assert await database.fetch("SELECT id FROM password_reset_request") == []


async def test_wishes_beyond_the_allowance_are_dropped_without_a_word(shop: SubgraphClient) -> None:
    ida = await register(shop, "Ida")

    answers = [await shop.data(FORGOTTEN, {"email": ida.email}) for _ in range(8)]

    async def count() -> int:
        rows = await shop.app.state.runtime.database.fetch(
            """SELECT count(*)::int AS n FROM outbox
               WHERE type = 'users.user.password_reset_requested' AND aggregate_id = $1""",
            [ida.user_id],
        )
        return int(rows[0]["n"])

    await eventually(count, 5)
    assert answers == [{"passwordResetRequest": True}] * 8
    assert await count() == 5


async def test_a_new_address_counts_once_its_mailbox_is_proved(shop: SubgraphClient, bus: Bus) -> None:
    joe = await register(shop, "Joe")
    new_email = f"joe.{secrets.token_hex(4)}@example.org"

    wrong = await shop.data(CHANGE_EMAIL, {"input": {"newEmail": new_email, "password": "not it"}}, joe.principal)
    asked = await shop.data(CHANGE_EMAIL, {"input": {"newEmail": new_email, "password": joe.password}}, joe.principal)
    old_reset = token_of(await joe.link(bus, LinkKind.PASSWORD_RESET))
    link = await joe.link(bus, LinkKind.EMAIL_CHANGE)
    before = await me(joe)
    confirmed = await confirm(shop, token_of(link))

    assert wrong["emailChangeRequest"]["errors"][0]["__typename"] == "BadCredentialsError"
    assert asked["emailChangeRequest"] == {"user": {"email": joe.email, "newEmail": new_email}, "errors": []}
    assert link["email"] == new_email
    assert before == {"email": joe.email, "newEmail": new_email, "emailVerified": False, "status": "ACTIVE"}
    assert confirmed["confirmed"] is True
    assert await me(joe) == {"email": new_email, "newEmail": None, "emailVerified": True, "status": "ACTIVE"}
    assert await reset(shop, old_reset, "a new password") == USED  # it went to the address that was
    assert (await joe.log_in())["errors"][0]["__typename"] == "BadCredentialsError"
    joe.email = new_email
    assert (await joe.log_in())["errors"] == []


async def test_an_address_of_somebody_else_is_asked_for_as_any_other_and_refused_to_its_reader(
    shop: SubgraphClient, bus: Bus
) -> None:
    kim, lea = await register(shop, "Kim"), await register(shop, "Lea")
    wish = {"newEmail": lea.email, "password": kim.password}

    asked = await shop.data(CHANGE_EMAIL, {"input": wish}, kim.principal)
    answer = await confirm(shop, token_of(await kim.link(bus, LinkKind.EMAIL_CHANGE)))

    assert asked["emailChangeRequest"]["errors"] == []
    assert answer == {"confirmed": False, "errors": [{"__typename": "EmailTakenError"}]}
    assert (await lea.log_in())["user"] == {"id": lea.user_id}


async def test_a_changed_password_ends_other_logins(shop: SubgraphClient) -> None:
    max_ = await register(shop, "Max")
    document = """mutation($input: PasswordChangeInput!) { passwordChange(input: $input) {
      tokens { accessToken refreshToken deviceToken } errors { __typename } } }"""
    other = (await max_.log_in())["tokens"]

    async def change(current: str) -> Any:
        passwords = {"currentPassword": current, "newPassword": "the next password"}
        return (await shop.data(document, {"input": passwords}, max_.principal))["passwordChange"]

    assert (await change("not it"))["errors"] == [{"__typename": "BadCredentialsError"}]
    assert await max_.can_refresh(other) is True
    changed = await change("a good password")
    assert changed["errors"] == []
    assert await max_.can_refresh(max_.tokens) is False
    assert await max_.can_refresh(changed["tokens"]) is True

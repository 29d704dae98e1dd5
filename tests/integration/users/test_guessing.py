"""Guessing passwords: slow for strangers, no harm to the owner, and nothing to learn about who has an account."""

import secrets

import pytest

from common.events import Bus
from subgraphs.users.domain import LinkKind
from tests.kit.people import LOGIN, Person, guess, register, token_of
from tests.kit.subgraph import SubgraphClient

pytestmark = pytest.mark.anyio

ALLOWANCE = 5  # as in tests.kit.users


async def use_up(shop: SubgraphClient, person: Person) -> None:
    for _ in range(ALLOWANCE):
        await guess(shop, person.email)
    assert await guess(shop, person.email) == "RATE_LIMITED"


async def test_a_forged_address_of_the_client_changes_nothing(shop: SubgraphClient) -> None:
    ada = await register(shop, "Ada")

    answers = [await guess(shop, ada.email, {"x-forwarded-for": f"198.51.100.{n}"}) for n in range(ALLOWANCE + 3)]

    assert answers == ["BadCredentialsError"] * ALLOWANCE + ["RATE_LIMITED"] * 3


async def test_aliases_of_one_document_count_one_by_one(shop: SubgraphClient) -> None:
    bea = await register(shop, "Bea")
    tries = "\n".join(
        f'a{n}: login(input: {{email: "{bea.email}", password: "guess {n}"}}) {{ errors {{ __typename }} }}'
        for n in range(ALLOWANCE + 4)
    )

    answer = await shop.execute(f"mutation {{ {tries} }}")

    refused = [error for error in answer["errors"] if error["extensions"]["code"] == "RATE_LIMITED"]
    assert len(refused) >= 1
    assert await guess(shop, bea.email) == "RATE_LIMITED"


async def test_strangers_who_guess_do_not_lock_out_a_device_that_was_logged_in(shop: SubgraphClient) -> None:
    cal = await register(shop, "Cal")
    dan = await register(shop, "Dan")
    await use_up(shop, cal)

    known_device = await cal.log_in(device_token=cal.tokens["deviceToken"])
    another_device = await shop.execute(LOGIN, {"input": {"email": cal.email, "password": cal.password}})
    foreign_token = await shop.execute(
        LOGIN,
        {"input": {"email": cal.email, "password": cal.password, "deviceToken": dan.tokens["deviceToken"]}},
    )

    assert known_device["errors"] == []
    for answer in (another_device, foreign_token):
        assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert answer["errors"][0]["extensions"]["retryAfterMs"] > 0


async def test_a_stolen_device_token_has_an_allowance_too(shop: SubgraphClient) -> None:
    eli = await register(shop, "Eli")
    login = {"email": eli.email, "password": "guess", "deviceToken": eli.tokens["deviceToken"]}

    answers = [await shop.execute(LOGIN, {"input": login}) for _ in range(ALLOWANCE + 1)]

    assert ["errors" in answer for answer in answers] == [False] * ALLOWANCE + [True]
    assert (await eli.log_in())["errors"] == []  # strangers' allowance is whole


@pytest.mark.parametrize("token", ["", "junk", "🍓", "A" * 43, "A" * 10_000])
async def test_a_made_up_device_token_is_a_stranger_s(shop: SubgraphClient, token: str) -> None:
    fay = await register(shop, "Fay")
    assert (await fay.log_in(device_token=token))["errors"] == []
    await use_up(shop, fay)
    answer = await shop.execute(LOGIN, {"input": {"email": fay.email, "password": fay.password, "deviceToken": token}})
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_an_address_without_account_is_throttled_alike(shop: SubgraphClient) -> None:
    nobody = f"nobody.{secrets.token_hex(4)}@example.org"

    answers = [await guess(shop, nobody) for _ in range(ALLOWANCE + 1)]

    assert answers == ["BadCredentialsError"] * ALLOWANCE + ["RATE_LIMITED"]


async def test_a_right_password_gives_the_allowance_back(shop: SubgraphClient) -> None:
    gus = await register(shop, "Gus")
    for _ in range(3):
        for _ in range(ALLOWANCE - 1):
            await guess(shop, gus.email)
        assert (await gus.log_in())["errors"] == []


async def test_an_owner_without_a_known_device_gets_in_by_mail_while_strangers_guess(
    shop: SubgraphClient, bus: Bus
) -> None:
    hal = await register(shop, "Hal")
    await use_up(shop, hal)
    for _ in range(8):  # strangers ask for links too
        await shop.data("mutation($e: String!) { passwordResetRequest(email: $e) }", {"e": hal.email})
    link = await hal.link(bus, LinkKind.PASSWORD_RESET)
    reset = """mutation($token: String!) { passwordReset(token: $token, newPassword: "the owner was here") {
      tokens { deviceToken } errors { __typename } } }"""

    done = (await shop.data(reset, {"token": token_of(link)}))["passwordReset"]
    await use_up(shop, hal)

    assert done["errors"] == []
    known = await hal.log_in(password="the owner was here", device_token=done["tokens"]["deviceToken"])
    assert known["errors"] == []

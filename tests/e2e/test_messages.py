"""What the shop sends arrives where `punnet up` says, and its links do what they promise."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.kit.shop_client import ShopClient, customer
from tests.kit.started_shop import StartedShop

pytestmark = pytest.mark.anyio

CONFIRM = "mutation($token: String!) { emailConfirm(token: $token) { confirmed } }"
FORGOTTEN = "mutation($email: String!) { passwordResetRequest(email: $email) }"
RESET = """mutation($token: String!) { passwordReset(token: $token, newPassword: "strawberries-again") {
  tokens { accessToken } errors { __typename } } }"""


async def mail(shop: StartedShop, client: ShopClient, subject: str) -> dict[str, Any]:
    """The one with that subject, at the address printed at the start."""
    (address,) = re.findall(r"mail +(http\S+/mail)", shop.said())
    delivered: list[dict[str, Any]] = []
    for _ in range(1200):
        delivered = (await client.http.get(address, params={"to": client.email})).json()["mail"]
        if found := [mail for mail in delivered if mail["subject"] == subject]:
            return dict(found[0])
        await asyncio.sleep(0.05)
    raise AssertionError(f"no mail called {subject!r}, but {[mail['subject'] for mail in delivered]}")


async def follow(client: ShopClient, letter: dict[str, Any]) -> str:
    """The token of the link, which leads to a page."""
    (link,) = re.findall(r"http\S+", letter["text"])
    assert (await client.http.get(link)).status_code == 200
    return str(link.partition("#token=")[2])


async def test_links_in_mails_verify_an_address_and_set_a_password(shop: StartedShop) -> None:
    async with customer(shop.url) as jo:
        await jo.register_and_log_in()
        token = await follow(jo, await mail(shop, jo, "Welcome to Punnet"))
        assert await jo.ask(CONFIRM, {"token": token}) == {"emailConfirm": {"confirmed": True}}
        assert await jo.ask("{ me { emailVerified } }") == {"me": {"emailVerified": True}}

        assert await jo.ask(FORGOTTEN, {"email": jo.email}) == {"passwordResetRequest": True}
        token = await follow(jo, await mail(shop, jo, "Set a new password"))
        assert (await jo.ask(RESET, {"token": token}))["passwordReset"]["errors"] == []
        await jo.log_in(jo.email, "strawberries-again")


async def refused(client: ShopClient) -> None:
    """Returns once the client's access token is worth nothing any more."""
    for _ in range(1200):
        answer = (await client.send("{ me { id } }")).json()
        if "errors" in answer:
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the token is still good")


async def test_a_logout_ends_its_access_token_and_one_everywhere_ends_all(shop: StartedShop) -> None:
    """The router tells subgraphs which login a token belongs to, and how old it is."""
    async with customer(shop.url) as jo:
        await jo.register_and_log_in()
        first = jo.token
        await jo.log_in(jo.email, "a-long-demo-password")
        second, jo.token = jo.token, first
        assert await jo.ask("mutation { logout }") == {"logout": True}
        await refused(jo)

        jo.token = second
        assert await jo.ask("mutation { logoutAll }") == {"logoutAll": True}
        await jo.log_in(jo.email, "a-long-demo-password")
        third, jo.token = jo.token, second
        await refused(jo)
        jo.token = third
        assert await jo.ask("{ me { id } }") == {"me": {"id": jo.user_id}}

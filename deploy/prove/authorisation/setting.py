"""The victim, whose data nobody else may see, and the five callers who try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg

from common.ids import parse_id
from deploy.prove.auditor import Auditor
from deploy.prove.buyers import LINES, SHIP, Market

#: in the order of the table's columns
CALLERS = ("anonymous", "customer", "support", "catalog manager", "admin")
ROLES = {"support": "SUPPORT", "catalog manager": "CATALOG_MANAGER", "admin": "ADMIN"}
PASSWORD = "a-password-of-the-matrix"  # noqa: S105 - made up

REGISTER = (
    "mutation R($input: UserRegisterInput!) { userRegister(input: $input) { user { id } errors { __typename } } }"
)
LOGIN = """mutation L($input: LoginInput!) {
  login(input: $input) { tokens { accessToken refreshToken } errors { __typename } } }"""
SAVE = """mutation S($address: PostalAddressInput!) {
  addressSave(address: $address) { user { id addresses { id } } errors { __typename } } }"""
ROLES_SET = "mutation S($id: ID!, $roles: [Role!]!) { userRolesSet(id: $id, roles: $roles) { errors { __typename } } }"
_NOTES = "query { me { notifications(first: 20) { nodes { id } } } }"
_SAVE_METHOD = "mutation($input: PaymentMethodSaveInput!) { paymentMethodSave(input: $input) { paymentMethod { id } } }"
_CART = "mutation($product: ID!) { cartSetLine(productId: $product, quantity: 7) { cart { id } } }"


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    email: str
    token: str
    refresh_token: str = ""


@dataclass(slots=True)
class Setting:
    """`secrets` are texts that only those may see who may see the victim's data."""

    market: Market
    callers: dict[str, Person]
    victim: Person
    address: Mapping[str, str]
    product: str
    draft: str
    order: str
    number: str
    payment: str
    notification: str
    cart: str
    fulfillment: str
    refund: str
    #: a means of payment the victim keeps
    method: str
    secrets: tuple[str, ...]
    catalogue_secrets: tuple[str, ...]
    fresh: dict[str, str] = field(default_factory=dict)

    def token(self, caller: str) -> str:
        return self.callers[caller].token

    async def waiting_order(self) -> str:
        """A new order of the victim that awaits its payment."""
        return (await self.market.place(self.victim.token, {self.product: 1})).id

    async def paid_order(self) -> tuple[str, str]:
        """A new order of the victim, confirmed, and its payment."""
        order = await self.waiting_order()
        payment = (await self.market.pay(self.victim.token, order)).id
        await self.market.statuses(order, {"CONFIRMED"})
        return order, payment

    async def captured_payment(self, auditor: Auditor) -> str:
        _, payment = await self.paid_order()
        await auditor.at_rest()
        return payment


async def person(market: Market, name: str) -> Person:
    """A new account, logged in."""
    email = f"{name.split()[0].lower()}-{uuid4().hex[:10]}@matrix.example"
    account = {"name": name, "email": email, "password": PASSWORD}
    user_id = (await market.crowd.ask(REGISTER, {"input": account}))["userRegister"]["user"]["id"]
    return await logged_in(market, user_id, email)


async def logged_in(market: Market, user_id: str, email: str) -> Person:
    given = {"input": {"email": email, "password": PASSWORD}}
    tokens = (await market.crowd.ask(LOGIN, given))["login"]["tokens"]
    return Person(user_id, email, tokens["accessToken"], tokens["refreshToken"])


async def caller(market: Market, root: str, name: str) -> Person:
    """One of the five, with the role an administrator gave."""
    if name == "anonymous":
        return Person("", "", "")
    found = await person(market, f"{name.split()[0].title()} Caller")
    if name in ROLES:
        await market.crowd.ask(ROLES_SET, {"id": found.id, "roles": ["CUSTOMER", ROLES[name]]}, root)
        found = await logged_in(market, found.id, found.email)
    return found


async def prepare(market: Market, auditor: Auditor) -> Setting:
    """A shop with a victim in it."""
    root = market.shop.token("usr_01h455vb4pex5vsknk084sn02q", ("ADMIN",), ("users:admin", "users:read_any"))
    callers = {name: await caller(market, root, name) for name in CALLERS}
    victim = await person(market, "Victoria Verborgen")
    address = {"street": "Versteckte Gasse 77", "city": "Heimlich", "zip": "99998", "country": "DE"}
    await market.crowd.ask(SAVE, {"address": address}, victim.token)
    product = await market.new_product(500, "10.00")
    draft = await market.new_product(77, "66.60", name="Unveiled next year")
    await _hide(market, draft)
    order = await market.place(victim.token, {product: 1})
    payment = await market.pay(victim.token, order.id)
    await market.statuses(order.id, {"CONFIRMED"})
    cart = (await market.crowd.ask(_CART, {"product": product}, victim.token))["cartSetLine"]["cart"]["id"]
    await auditor.at_rest()
    notes = (await market.crowd.ask(_NOTES, {}, victim.token))["me"]["notifications"]["nodes"]
    assert order.entity is not None  # noqa: S101 - placed
    number = str(order.entity["number"])
    return Setting(
        market=market,
        callers=callers,
        victim=victim,
        address=address,
        product=product,
        draft=draft,
        order=order.id,
        number=number,
        payment=payment.id,
        notification=notes[0]["id"],
        cart=cart,
        fulfillment=await _shipped(market, victim.token, order.id),
        method=await _saved_method(market, victim.token),
        refund=(await market.refund(payment.id, "1.00")).id,
        secrets=(victim.email, "Verborgen", "Versteckte", "Heimlich", number, "4242"),
        catalogue_secrets=("Unveiled",),
    )


async def _shipped(market: Market, owner: str, order: str) -> str:
    """Id of a fulfilment of the whole order."""
    lines = (await market.crowd.ask(LINES, {"id": order}, owner))["order"]["lines"]
    goods = [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in lines]
    given = {"input": {"orderId": order, "lines": goods, "idempotencyKey": uuid4().hex}}
    data = await market.crowd.ask(SHIP, given, market.staff)
    return str(data["fulfillmentCreate"]["order"]["fulfillments"][0]["id"])


async def _saved_method(market: Market, owner: str) -> str:
    given = {"input": {"paymentMethodToken": "tok_visa", "idempotencyKey": uuid4().hex}}
    saved = (await market.crowd.ask(_SAVE_METHOD, given, owner))["paymentMethodSave"]
    return str(saved["paymentMethod"]["id"])


async def _hide(market: Market, product: str) -> None:
    """A product never goes back to DRAFT by itself."""
    connection = await asyncpg.connect(market.shop.database_url("products"))
    try:
        await connection.execute("UPDATE product SET status = 'DRAFT' WHERE id = $1", parse_id("prod", product))
    finally:
        await connection.close()


def order_input(setting: Setting, **more: Any) -> dict[str, Any]:
    return {**setting.market.order_input({setting.product: 1}, uuid4().hex), **more}

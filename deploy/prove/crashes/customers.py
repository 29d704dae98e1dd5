"""Customers of the crash matrix: each goes a way through the shop, asking again under the same key until it is decided.

Between them they pass every step of the code, some of them only because somebody dies elsewhere.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import nats
import nats.errors
import orjson

from common.ids import new_id
from deploy.prove.buyers import ADDRESS, DELIVER, ERRORS, LINES, SHIP, Market
from deploy.prove.client import LostAnswerError, RefusedError
from deploy.prove.scenario import DisprovedError, require

#: a link in an e-mail
_LINK = re.compile(r"/([a-z-]+)#token=([A-Za-z0-9_.-]+)")
_LOOK_S = 0.5
#: an order that dies with its process again and again is put off for minutes; who waits too long is told by the matrix
_PATIENCE_S = 3600.0
PASSWORD = "a-password-of-the-crash-matrix"  # noqa: S105 - made up

CART = f"mutation C($id: ID!) {{ cartSetLine(productId: $id, quantity: 2) {{ cart {{ id }} {ERRORS} }} }}"
PLACE_CART = f"mutation P($input: OrderPlaceInput!) {{ orderPlace(input: $input) {{ order {{ id }} {ERRORS} }} }}"
REGISTER = f"mutation R($input: UserRegisterInput!) {{ userRegister(input: $input) {{ user {{ id }} {ERRORS} }} }}"
ADJUST = f"mutation A($input: InventoryAdjustInput!) {{ inventoryAdjust(input: $input) {{ {ERRORS} }} }}"
LOGIN = f"""mutation L($input: LoginInput!) {{
  login(input: $input) {{ user {{ id }} tokens {{ accessToken refreshToken }} {ERRORS} }} }}"""
REFRESH = f"mutation F($t: String!) {{ tokenRefresh(refreshToken: $t) {{ tokens {{ accessToken }} {ERRORS} }} }}"
RESET = "mutation S($email: String!) { passwordResetRequest(email: $email) }"
NAME = f"mutation N($input: UserUpdateInput!) {{ userUpdate(input: $input) {{ user {{ id }} {ERRORS} }} }}"
VERIFY = "mutation V { emailVerificationRequest }"
CONFIRM = f"mutation C($token: String!) {{ emailConfirm(token: $token) {{ {ERRORS} }} }}"
NEW_PASSWORD = f"""mutation W($token: String!, $password: String!) {{
  passwordReset(token: $token, newPassword: $password) {{ {ERRORS} }} }}"""
SAVE_METHOD = f"""mutation M($input: PaymentMethodSaveInput!) {{
  paymentMethodSave(input: $input) {{ paymentMethod {{ id }} {ERRORS} }} }}"""
VOID = f"mutation V($id: ID!, $key: String!) {{ paymentVoid(id: $id, idempotencyKey: $key) {{ {ERRORS} }} }}"
DELETE_METHOD = f"mutation D($id: ID!) {{ paymentMethodDelete(id: $id) {{ {ERRORS} }} }}"
ERASE = f"mutation E($id: ID!) {{ userErase(id: $id) {{ {ERRORS} }} }}"


async def take_in(market: Market, product: str) -> None:
    """Staff puts a unit on the shelf."""
    given = {"productId": product, "delta": 1, "reason": "RECEIVED", "idempotencyKey": new_id("key")}
    taken = await market.surely(lambda: market.crowd.ask(ADJUST, {"input": given}, market.staff))
    require(taken["inventoryAdjust"]["errors"] == [], f"{taken}")


async def buy(market: Market, product: str) -> None:
    """Declined once, then paid, shipped and delivered."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await becomes(market, order.id, "AWAITING_PAYMENT")
    await market.pay_surely(buyer, order.id, f"{key}-declined", "tok_declined")
    paid = await market.pay_surely(buyer, order.id, key)
    require(paid.problems == (), f"{paid}")
    await becomes(market, order.id, "CONFIRMED")
    lines = (await market.surely(lambda: market.crowd.ask(LINES, {"id": order.id}, buyer)))["order"]["lines"]
    goods = [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in lines]
    given = {"input": {"orderId": order.id, "lines": goods, "idempotencyKey": key}}
    shipped = await market.surely(lambda: market.crowd.ask(SHIP, given, market.staff))
    (fulfillment,) = shipped["fulfillmentCreate"]["order"]["fulfillments"]
    await market.surely(lambda: market.crowd.ask(DELIVER, {"id": fulfillment["id"]}, market.staff))


async def buy_by_cart(market: Market, product: str) -> None:
    """From a cart; paid, then a part of the money is given back."""
    buyer, key = market.shop.buyer(), new_id("key")
    cart = await market.surely(lambda: market.crowd.ask(CART, {"id": product}, buyer))
    wanted = {
        "cartId": cart["cartSetLine"]["cart"]["id"],
        "shippingAddress": ADDRESS,
        "idempotencyKey": key,
    }
    placed = await market.surely(lambda: market.crowd.ask(PLACE_CART, {"input": wanted}, buyer))
    require(placed["orderPlace"]["errors"] == [], f"{placed}")
    order = placed["orderPlace"]["order"]["id"]
    market.acknowledged.orders.add(order)
    await becomes(market, order, "AWAITING_PAYMENT")
    paid = await market.pay_surely(buyer, order, key)
    require(paid.problems == (), f"{paid}")
    await becomes(market, order, "CONFIRMED")
    # refused while the capture is under way: then nothing is given back, which is no harm
    await market.surely(lambda: market.refund(paid.id, "1.00", key))


async def change_mind(market: Market, product: str) -> None:
    """Cancelled by the buyer before it is paid."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await market.surely(lambda: market.cancel(buyer, order.id, "CUSTOMER", key))


async def be_refused(market: Market, product: str) -> None:
    """Paid, and then cancelled by staff: the money goes back."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await becomes(market, order.id, "AWAITING_PAYMENT")
    await market.pay_surely(buyer, order.id, key)
    await becomes(market, order.id, "CONFIRMED")
    await market.surely(lambda: market.cancel(market.staff, order.id, "STAFF", key))


async def be_asked(market: Market, product: str) -> None:
    """Cancelled by the buyer while the bank asks."""
    buyer, order, _ = await asked_by_the_bank(market, product)
    await market.surely(lambda: market.cancel(buyer, order, "CUSTOMER", order))


async def be_spared(market: Market, product: str) -> None:
    """While the bank asks, staff gives the payment up; then the buyer cancels."""
    buyer, order, payment = await asked_by_the_bank(market, product)
    await market.surely(lambda: market.crowd.ask(VOID, {"id": payment, "key": payment}, market.staff))
    await market.surely(lambda: market.cancel(buyer, order, "CUSTOMER", order))


async def asked_by_the_bank(market: Market, product: str) -> tuple[str, str, str]:
    """Token of the buyer, order, payment."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await becomes(market, order.id, "AWAITING_PAYMENT")
    payment = await market.pay_surely(buyer, order.id, key, "tok_3ds")
    return buyer, order.id, payment.id


async def another_card(market: Market, product: str) -> None:
    """The bank asks, and the customer pays by another card instead of answering; at once, or as soon as it is known
    that the bank asks."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await becomes(market, order.id, "AWAITING_PAYMENT")
    await market.pay_surely(buyer, order.id, f"{key}-asks", "tok_3ds")
    paid = await market.pay_surely(buyer, order.id, f"{key}-other")
    while paid.problems == ("OrderNotPayableError",):
        await asyncio.sleep(0.25)
        paid = await market.pay_surely(buyer, order.id, new_id("key"))
    require(paid.problems == (), f"{paid}")
    await becomes(market, order.id, "CONFIRMED")


async def transfer(market: Market, product: str) -> None:
    """Paid from a bank account, which takes its time and is told by webhook; a card is kept and forgotten meanwhile."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await becomes(market, order.id, "AWAITING_PAYMENT")
    await market.pay_surely(buyer, order.id, key, "tok_bank_transfer")
    given = {"input": {"paymentMethodToken": "tok_mastercard", "idempotencyKey": key}}
    saved = await market.surely(lambda: market.crowd.ask(SAVE_METHOD, given, buyer))
    method = saved["paymentMethodSave"]["paymentMethod"]
    if method:
        await market.surely(lambda: market.crowd.ask(DELETE_METHOD, {"id": method["id"]}, buyer))
    await becomes(market, order.id, "CONFIRMED")


@dataclass(frozen=True, slots=True)
class Member:
    """An account that somebody has logged in to."""

    email: str
    id: str
    access_token: str
    refresh_token: str


async def joined(market: Market) -> Member:
    email = f"{uuid4().hex}@punnet.example"
    account = {"name": "Crash Carla", "email": email, "password": PASSWORD, "idempotencyKey": uuid4().hex}
    registered = (await market.surely(lambda: market.crowd.ask(REGISTER, {"input": account})))["userRegister"]
    require(registered["errors"] == [], f"{registered}")
    market.acknowledged.accounts.add(registered["user"]["id"])
    return await logged_in(market, email)


async def logged_in(market: Market, email: str) -> Member:
    given = {"input": {"email": email, "password": PASSWORD}}
    login = (await market.surely(lambda: market.crowd.ask(LOGIN, given)))["login"]
    require(login["errors"] == [], f"{login}")
    return Member(email, login["user"]["id"], login["tokens"]["accessToken"], login["tokens"]["refreshToken"])


async def live(market: Market, _: str) -> None:
    """An account: made, used, its address confirmed, its password reset."""
    member = await joined(market)
    name = {"input": {"id": member.id, "name": "Crash Clara"}}
    await market.surely(lambda: market.crowd.ask(NAME, name, member.access_token))
    await market.surely(lambda: market.crowd.ask(VERIFY, {}, member.access_token))
    link = await link_in_mail(market, member.email, "verif")
    await market.surely(lambda: market.crowd.ask(CONFIRM, {"token": link}))
    await market.surely(lambda: market.crowd.ask(RESET, {"email": member.email}))
    given = {"token": await link_in_mail(market, member.email, "reset"), "password": PASSWORD}
    await market.surely(lambda: market.crowd.ask(NEW_PASSWORD, given))
    await logged_in(market, member.email)


async def leave(market: Market, _: str) -> None:
    """An account that is erased again. Told so, or, where that answer was lost, that there is no such account."""
    member = await joined(market)
    with suppress(LostAnswerError, RefusedError):  # a refresh token works once: it is not asked for again
        await market.crowd.ask(REFRESH, {"t": member.refresh_token})
    try:
        told = await market.surely(lambda: market.crowd.ask(ERASE, {"id": member.id}, member.access_token))
    except RefusedError as exc:
        # erased, and the answer was lost: the token is worth nothing any more
        require(exc.codes == ["UNAUTHENTICATED"], f"{exc}")
    else:
        require(all(error["__typename"] == "NotFoundError" for error in told["userErase"]["errors"]), f"{told}")
    market.acknowledged.erased.add(member.id)


async def link_in_mail(market: Market, email: str, kind: str) -> str:
    """The token of the newest link of a kind that was sent there; raises DisprovedError when none comes."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        found = _LINK.findall(str(await market.shop.sandbox.ask("GET", f"/mail?to={email}")))
        wanted = [token for page, token in found if kind in page]
        if wanted:
            return str(wanted[0])
        await asyncio.sleep(_LOOK_S)
    raise DisprovedError(f"no mail with a link to {kind} came within {_PATIENCE_S:g} s")


async def order_in_trouble(market: Market, product: str) -> None:
    """Products is killed, and orders come in that cannot be supplied at once: they are accepted, and supplied later."""
    market.shop.kill("products")
    await rush(market, product)


async def rush(market: Market, product: str) -> None:
    """Everybody wants the same at the same moment, and leaves it unpaid."""
    buyers = [(market.shop.buyer(), new_id("key")) for _ in range(8)]
    async with asyncio.TaskGroup() as tasks:
        placed = [tasks.create_task(market.place_surely(buyer, {product: 1}, key)) for buyer, key in buyers]
    for order in placed:
        await becomes(market, order.result().id, "AWAITING_PAYMENT")


async def walk_away(market: Market, product: str) -> None:
    """Goods are held for an order that is never written, as by one who dies after asking for them: they expire."""
    given = {
        "order_id": new_id("ord"),
        "lines": [{"product_id": product, "quantity": 1}],
        "currency": "USD",
        "ttl_s": 0.1,
    }
    bus = await nats.connect(market.shop.servers.nats_url, name="walks away")
    try:
        with suppress(nats.errors.Error):  # nobody is there: then nothing is held
            await bus.request("commands.products.reserve", orjson.dumps(given), timeout=2)
    finally:
        await bus.close()


async def becomes(market: Market, order_id: str, status: str) -> None:
    await market.statuses(order_id, {status}, _PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Way:
    """`go` passes steps whose names begin so; so many customers go it `at_once` for the sake of one step: fewer where
    passwords are hashed, which is meant to take its time."""

    go: Callable[[Market, str], Coroutine[None, None, None]]
    passes: tuple[str, ...]
    at_once: int = 6

    def nearness(self, step: str) -> int:
        """How many characters of its name say that this way passes it; 0: it does not."""
        return max((len(prefix) for prefix in self.passes if step.startswith(prefix)), default=0)


_SHOPPING = ("orders.", "products.", "payments.", "notifications.", "events.")
WAYS = (
    Way(buy, _SHOPPING),
    Way(buy_by_cart, (*_SHOPPING, "orders.cart", "payments.refund")),
    Way(change_mind, ("orders.lease", "orders.move", "orders.release", "payments.cancelled", "products.release")),
    Way(be_refused, (*_SHOPPING, "orders.release", "payments.cancelled", "payments.refund", "products.release")),
    Way(be_asked, ("payments.", "payments.void")),
    Way(be_spared, ("payments.", "payments.manage", "payments.void")),
    Way(another_card, ("payments.", "payments.supersede", "payments.void")),
    Way(transfer, ("payments.", "payments.method", "payments.webhook")),
    Way(take_in, ("products.edit",)),
    Way(rush, ("products.rush",)),
    Way(live, ("users.", "events.", "notifications.send"), at_once=2),
    Way(
        leave,
        ("users.erase", "users.login", "users.refresh", "users.register", "events.", "notifications.forget"),
        at_once=1,
    ),
    Way(order_in_trouble, ("orders.reserve",), at_once=1),
    Way(walk_away, ("products.sweep",), at_once=1),
)


def ways_to(step: str) -> list[Way]:
    """The ways that pass it most surely; empty where none does."""
    nearness = {way: way.nearness(step) for way in WAYS}
    nearest = max(nearness.values())
    return [way for way in WAYS if nearest and nearness[way] == nearest]

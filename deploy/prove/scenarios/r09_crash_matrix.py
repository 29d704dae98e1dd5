"""R9: SIGKILL at every named step of the code, again and again, while buyers buy: every law holds afterwards.

The steps are the `failpoint("…")` calls in the sources. For each, customers go their ways until the process that passes
it has died as often as asked for; then the shop comes to rest and is audited.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

from common.ids import new_id
from deploy.local.state import ROOT
from deploy.prove.buyers import ADDRESS, DELIVER, ERRORS, LINES, SHIP, Market
from deploy.prove.client import LostAnswerError, RefusedError
from deploy.prove.scenario import Arena, Scenario, require

_CALL = re.compile(r'failpoint\("([a-z_.]+)"\)')
#: a link in an e-mail
_LINK = re.compile(r"/([a-z-]+)#token=([A-Za-z0-9_.-]+)")
_LOOKS = 40
RUNS = 20
#: how long customers try to pass a step before it counts as not passed
PATIENCE_S = 25.0
PASSWORD = "a-password-of-the-crash-matrix"  # noqa: S105 - made up
ROOMS = ("common", "subgraphs")
_WISH = Path(gettempdir()) / f"punnet-failpoint-{uuid4().hex}"

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


def failpoints() -> list[str]:
    """Names of all steps at which a process can be made to die, in the order of the alphabet."""
    return sorted(set(_names()))


def _names() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.name != "failpoints.py":
                yield from _CALL.findall(path.read_text())


async def run(arena: Arena) -> str:
    points, runs = failpoints(), arena.number(RUNS)
    missed: list[str] = []
    deaths = 0
    # so that answers of the provider are asked for again, and told by webhook
    await arena.shop.sandbox.faults(lose_ratio=0.1, error_ratio=0.1, seed=arena.seed)
    async with arena.market(40) as market:
        product = await market.new_product(100_000)
        for number, point in enumerate(points, start=1):
            died = 0
            for _ in range(runs):
                if not await die_once(arena, market, product, point):
                    missed.append(point)
                    break
                died += 1
            deaths += died
            await arena.shop.until_ready()
            await arena.auditor.at_rest(120)
            arena.say(f"{number}/{len(points)} {point}: died {died} times")
            arena.auditor.judge()
    passed = len(points) - len(missed)
    return f"{passed} of {len(points)} steps, {runs} runs each, {deaths} deaths, all laws hold after each step" + (
        f"; not passed by these customers: {', '.join(missed)}" if missed else ""
    )


async def die_once(arena: Arena, market: Market, product: str, point: str) -> bool:
    """Customers go their ways until a process died at the step; False where none did in time."""
    arm(f"{point}:{arena.random.randint(1, 3)}")
    deadline = time.monotonic() + PATIENCE_S
    while is_armed() and time.monotonic() < deadline:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(buy(market, product))
            tasks.create_task(buy_by_cart(market, product))
            tasks.create_task(change_mind(market, product))
            if point.startswith("products"):
                tasks.create_task(take_in(market, product))
            if point.startswith("payments"):
                tasks.create_task(transfer(market, product))
            if point.startswith(("users", "notifications", "payments")):
                tasks.create_task(live(market))
    return not disarm()


def arm(wish: str) -> None:
    """Whole or not at all: processes read it at any time."""
    new = _WISH.with_suffix(".new")
    new.write_text(wish)
    new.replace(_WISH)


def is_armed() -> bool:
    return _WISH.exists()


def disarm() -> bool:
    """True where it was still armed."""
    was = is_armed()
    _WISH.unlink(missing_ok=True)
    return was


async def take_in(market: Market, product: str) -> None:
    """Staff puts a unit on the shelf."""
    given = {"productId": product, "delta": 1, "reason": "RECEIVED", "idempotencyKey": new_id("key")}
    taken = await market.surely(lambda: market.crowd.ask(ADJUST, {"input": given}, market.staff))
    require(taken["inventoryAdjust"]["errors"] == [], f"{taken}")


async def buy(market: Market, product: str) -> None:
    """Declined once, then paid, shipped and delivered."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await market.statuses(order.id, {"AWAITING_PAYMENT"})
    await market.pay_surely(buyer, order.id, f"{key}-declined", "tok_declined")
    paid = await market.pay_surely(buyer, order.id, key)
    require(paid.problems == (), f"{paid}")
    await market.statuses(order.id, {"CONFIRMED"})
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
    order = placed["orderPlace"]["order"]["id"]
    market.acknowledged.orders.add(order)
    await market.statuses(order, {"AWAITING_PAYMENT"})
    paid = await market.pay_surely(buyer, order, key)
    require(paid.problems == (), f"{paid}")
    await market.statuses(order, {"CONFIRMED"})
    # refused while the capture is under way: then nothing is given back, which is no harm
    await market.surely(lambda: market.refund(paid.id, "1.00", key))


async def change_mind(market: Market, product: str) -> None:
    """Orders cancelled by their buyer before they are paid and while the bank asks, and by staff afterwards."""
    buyer, key = market.shop.buyer(), new_id("key")
    first = await market.place_surely(buyer, {product: 1}, f"{key}-1")
    await market.surely(lambda: market.cancel(buyer, first.id, "CUSTOMER", f"{key}-c1"))
    second = await market.place_surely(buyer, {product: 1}, f"{key}-2")
    await market.statuses(second.id, {"AWAITING_PAYMENT"})
    await market.pay_surely(buyer, second.id, f"{key}-2")
    await market.statuses(second.id, {"CONFIRMED"})
    await market.surely(lambda: market.cancel(market.staff, second.id, "STAFF", f"{key}-c2"))
    third = await market.place_surely(buyer, {product: 1}, f"{key}-3")
    await market.statuses(third.id, {"AWAITING_PAYMENT"})
    await market.pay_surely(buyer, third.id, f"{key}-3", "tok_3ds")
    await market.surely(lambda: market.cancel(buyer, third.id, "CUSTOMER", f"{key}-c3"))
    fourth = await market.place_surely(buyer, {product: 1}, f"{key}-4")
    await market.statuses(fourth.id, {"AWAITING_PAYMENT"})
    asked = await market.pay_surely(buyer, fourth.id, f"{key}-4", "tok_3ds")
    await market.surely(lambda: market.crowd.ask(VOID, {"id": asked.id, "key": f"{key}-v4"}, market.staff))
    await market.surely(lambda: market.cancel(buyer, fourth.id, "CUSTOMER", f"{key}-c4"))


async def transfer(market: Market, product: str) -> None:
    """Paid from a bank account, which takes its time and is told by webhook; a card is kept and forgotten meanwhile."""
    buyer, key = market.shop.buyer(), new_id("key")
    order = await market.place_surely(buyer, {product: 1}, key)
    await market.statuses(order.id, {"AWAITING_PAYMENT"})
    await market.pay_surely(buyer, order.id, key, "tok_bank_transfer")
    given = {"input": {"paymentMethodToken": "tok_mastercard", "idempotencyKey": key}}
    saved = await market.surely(lambda: market.crowd.ask(SAVE_METHOD, given, buyer))
    method = saved["paymentMethodSave"]["paymentMethod"]
    if method:
        await market.surely(lambda: market.crowd.ask(DELETE_METHOD, {"id": method["id"]}, buyer))
    await market.statuses(order.id, {"CONFIRMED"})


async def live(market: Market) -> None:
    """An account: made, used, asked to be reset, erased."""
    email = f"{uuid4().hex}@punnet.example"
    account = {"name": "Crash Carla", "email": email, "password": PASSWORD, "idempotencyKey": uuid4().hex}
    await market.surely(lambda: market.crowd.ask(REGISTER, {"input": account}))
    credentials = {"input": {"email": email, "password": PASSWORD}}
    login = (await market.surely(lambda: market.crowd.ask(LOGIN, credentials)))["login"]
    try:
        # a refresh token works once: it is not asked for again
        await market.crowd.ask(REFRESH, {"t": login["tokens"]["refreshToken"]})
    except (LostAnswerError, RefusedError):
        login = (await market.surely(lambda: market.crowd.ask(LOGIN, credentials)))["login"]
    token, user_id = login["tokens"]["accessToken"], login["user"]["id"]
    await market.surely(lambda: market.crowd.ask(NAME, {"input": {"id": user_id, "name": "Crash Clara"}}, token))
    await market.surely(lambda: market.crowd.ask(VERIFY, {}, token))
    if sent := await link_in_mail(market, email, "verif"):
        await market.surely(lambda: market.crowd.ask(CONFIRM, {"token": sent}))
    await market.surely(lambda: market.crowd.ask(RESET, {"email": email}))
    if sent := await link_in_mail(market, email, "reset"):
        given = {"token": sent, "password": PASSWORD}
        await market.surely(lambda: market.crowd.ask(NEW_PASSWORD, given))
        login = (await market.surely(lambda: market.crowd.ask(LOGIN, credentials)))["login"]
        token = (login["tokens"] or {"accessToken": token})["accessToken"]
    await market.surely(lambda: market.crowd.ask(ERASE, {"id": user_id}, token))


async def link_in_mail(market: Market, email: str, kind: str) -> str:
    """The token of the newest link of a kind that was sent there; empty where none came in time."""
    for _ in range(_LOOKS):
        found = _LINK.findall(str(await market.shop.sandbox.ask("GET", f"/mail?to={email}")))
        wanted = [token for page, token in found if kind in page]
        if wanted:
            return str(wanted[0])
        await asyncio.sleep(0.25)
    return ""


SCENARIO = Scenario(
    "R9",
    "Crash matrix",
    f"SIGKILL at every failpoint of the code, {RUNS} runs each",
    run,
    environment={"PUNNET_FAILPOINT": f"@{_WISH}"},
    rest_timeout_s=120,
)

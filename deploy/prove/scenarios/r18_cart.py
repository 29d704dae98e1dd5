"""R18: many tabs, one cart: no line is lost, the last acknowledged quantity of each line stays."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from deploy.prove.client import RefusedError
from deploy.prove.scenario import Arena, Scenario, require

SET = """mutation Set($product: ID!, $quantity: Int!) {
  cartSetLine(productId: $product, quantity: $quantity) { cart { version } errors { __typename } } }"""
CART = "query Cart { me { cart { version lines { quantity product { id } } } } }"
REGISTER = """mutation Register($input: UserRegisterInput!) {
  userRegister(input: $input) { user { id } errors { __typename } } }"""


async def run(arena: Arena) -> str:
    clients, rounds = arena.number(100), arena.number(100)
    async with arena.market(clients) as market:
        products = [await market.new_product(1_000) for _ in range(clients)]
        account = {"name": "Tab Tabea", "email": f"tabs-{arena.seed}@punnet.example"}
        registered = await market.crowd.ask(REGISTER, {"input": account})
        buyer = arena.shop.token(registered["userRegister"]["user"]["id"])
        acknowledged: Counter[str] = Counter()
        limited = 0

        async def tab(product: str) -> None:
            nonlocal limited
            for quantity in range(1, rounds + 1):
                given = {"product": product, "quantity": quantity}
                payload = None
                while payload is None:
                    try:
                        payload = (await market.crowd.ask(SET, given, buyer))["cartSetLine"]
                    except RefusedError as exc:
                        require(exc.answer.status == 429, f"{exc}")
                        limited += 1
                        await asyncio.sleep(1)
                require(payload["errors"] == [], f"{payload}")
                acknowledged[product] = quantity

        began = time.monotonic()
        await asyncio.gather(*(tab(product) for product in products))
        took_s = time.monotonic() - began
        await asyncio.sleep(1)
        cart = (await market.crowd.ask(CART, {}, buyer))["me"]["cart"]
    shown = {line["product"]["id"]: line["quantity"] for line in cart["lines"]}
    require(shown == acknowledged, f"{len(shown)} lines of {clients}; the cart is not what was acknowledged")
    require(cart["version"] == clients * rounds, f"version {cart['version']} after {clients * rounds} changes")
    return (
        f"{clients} lines, each with the quantity acknowledged last; version {cart['version']}; "
        f"{clients * rounds / took_s:.0f} changes/s, {limited} requests put off by the rate limit"
    )


SCENARIO = Scenario("R18", "One cart, many tabs", "100 clients x 100 cartSetLine on one cart", run)

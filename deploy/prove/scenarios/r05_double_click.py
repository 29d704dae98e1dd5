"""R5 and R6: the same key again, with the same request and with another one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import orjson

from deploy.prove.buyers import PLACE, Market
from deploy.prove.client import LostAnswerError, RefusedError
from deploy.prove.scenario import Arena, Scenario, require

CLICKS = 20
KEYS_AT_ONCE = 15
#: "the first request is still under way"
IN_FLIGHT = {"CONFLICT", "IDEMPOTENCY_IN_FLIGHT"}


async def clicks(market: Market, buyer: str, product: str, key: str) -> tuple[str, Counter[str]]:
    """Id of the order, and how the clicks ended. Raises AssertionError where two answers differ."""
    given = {"input": market.order_input({product: 1}, key)}
    answers = await asyncio.gather(*(market.crowd.send(PLACE, given, buyer) for _ in range(CLICKS)))
    ends: Counter[str] = Counter()
    seen: set[bytes] = set()
    for answer in answers:
        body = answer.json()
        if body.get("errors"):
            codes = set(RefusedError(answer).codes)
            require(codes <= IN_FLIGHT, f"key {key}: {codes}")
            ends["in flight"] += 1
        else:
            replay = bool(body.get("extensions", {}).get("idempotentReplay"))
            ends["replayed" if replay else "answered"] += 1
            seen.add(orjson.dumps(body["data"]))
    require(len(seen) == 1, f"key {key}: {len(seen)} different answers")
    order = orjson.loads(seen.pop())["orderPlace"]["order"]
    market.acknowledged.orders.add(order["id"])
    return str(order["id"]), ends


async def double_click(arena: Arena) -> str:
    keys = arena.number(1_000)
    gate = asyncio.Semaphore(KEYS_AT_ONCE)
    async with arena.market(KEYS_AT_ONCE * CLICKS) as market:
        product = await market.new_product(keys * CLICKS)

        async def one(number: int) -> tuple[str, Counter[str]]:
            async with gate:
                return await clicks(market, arena.shop.buyer(), product, f"click-{number}")

        began = time.monotonic()
        results = await asyncio.gather(*(one(number) for number in range(keys)))
        took_s = time.monotonic() - began
    ids = {order_id for order_id, _ in results}
    ends = sum((counter for _, counter in results), Counter[str]())
    orders = int((await arena.evidence.orders.ask("SELECT count(*) AS n FROM orders"))[0]["n"])
    reserved = await arena.units_reserved(product)
    require(len(ids) == orders == reserved == keys, f"{keys} keys, {len(ids)} ids, {orders} orders, {reserved} units")
    return f"{orders} orders, {reserved} units; answers: {dict(ends)}, all of a key equal; {took_s:.0f} s"


async def other_body(arena: Arena) -> str:
    keys = arena.number(1_000)
    gate = asyncio.Semaphore(30)
    ends: Counter[str] = Counter()
    async with arena.market(60) as market:
        product = await market.new_product(keys * 10)

        async def one(number: int) -> None:
            buyer, key = arena.shop.buyer(), f"reused-{number}"
            async with gate:
                first = await market.place(buyer, {product: 1}, key)
                require(first.entity is not None, f"{first.problems}")
                try:
                    second = await market.place(buyer, {product: 2}, key)
                except (LostAnswerError, RefusedError) as exc:
                    ends[repr(exc)[:100]] += 1
                else:
                    ends[",".join(second.problems) or "an order"] += 1

        await asyncio.gather(*(one(number) for number in range(keys)))
    orders = int((await arena.evidence.orders.ask("SELECT count(*) AS n FROM orders"))[0]["n"])
    reserved = await arena.units_reserved(product)
    require(ends == {"IdempotencyConflictError": keys}, f"{dict(ends)}")
    require(orders == reserved == keys, f"{keys} keys, {orders} orders, {reserved} units")
    return f"{ends['IdempotencyConflictError']} conflicts, {orders} orders, {reserved} units: no effect of the second"


DOUBLE_CLICK = Scenario("R5", "Double click", "1,000 keys x 20 identical orderPlace at once", double_click, workers=2)
OTHER_BODY = Scenario("R6", "A key used again with another request", "1,000 keys", other_body)

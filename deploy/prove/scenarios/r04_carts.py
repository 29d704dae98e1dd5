"""R4: orders of several products in any order, against the products process itself: no deadlock, all or nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import nats
import orjson

from common.events import Bus, CommandError
from common.ids import format_id, new_id
from deploy.prove.scenario import Arena, Scenario, require

WORKERS = 20
SKUS, LINES = 10, 5
_PARTIAL = f"""
SELECT count(*) AS orders FROM (
    SELECT order_id FROM reservation WHERE state <> 'RELEASED' GROUP BY order_id HAVING count(*) <> {LINES}) AS partial
"""  # noqa: S608 - a number of this module
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def run(arena: Arena) -> str:
    count = arena.number(5_000)
    async with arena.market(1) as market:
        # a fifth of the orders find a shelf empty
        products = [await market.new_product(count * LINES * 4 // (SKUS * 5)) for _ in range(SKUS)]
    requests = [request(arena, products) for _ in range(count)]
    bus = await Bus.connect(arena.shop.servers.nats_url, name="prove")
    ends: Counter[str] = Counter()

    async def worker() -> None:
        while requests:
            try:
                await bus.request("commands.products.reserve", requests.pop(), timeout_s=30)
            except CommandError as exc:
                ends[exc.code] += 1
            else:
                ends["held"] += 1

    began = time.monotonic()
    try:
        await asyncio.gather(*(worker() for _ in range(WORKERS)))
    finally:
        await bus.close()
    took_s = time.monotonic() - began
    partial = int((await arena.evidence.products.ask(_PARTIAL))[0]["orders"])
    deadlocks = int((await arena.evidence.products.ask(_DEADLOCKS))[0]["deadlocks"])
    arena.say(f"{dict(ends)}, {partial} partial, {deadlocks} deadlocks, {count / took_s:.0f} orders/s")
    require(partial == 0, f"{partial} partial orders")
    require(deadlocks == 0, f"{deadlocks} deadlocks")
    require(ends.keys() <= {"held", "INSUFFICIENT_STOCK"}, f"{dict(ends)}")
    await give_back(arena)
    return (
        f"{count / took_s:.0f} orders/s, {ends['held']} held, {ends['INSUFFICIENT_STOCK']} refused, "
        f"{partial} partial, {deadlocks} deadlocks"
    )


def request(arena: Arena, products: list[str]) -> dict[str, Any]:
    chosen = arena.random.sample(products, LINES)
    return {
        "order_id": new_id("ord"),
        "lines": [{"product_id": product, "quantity": 1} for product in chosen],
        "currency": "USD",
        "ttl_s": 600,
    }


async def give_back(arena: Arena) -> None:
    """There are no orders behind these reservations: what is held has to go before the books are looked at."""
    rows = await arena.evidence.products.ask("SELECT DISTINCT order_id FROM reservation WHERE state <> 'RELEASED'")
    client = await nats.connect(arena.shop.servers.nats_url)
    try:
        for row in rows:
            payload = {"order_id": format_id("ord", row["order_id"])}
            await client.request("commands.products.release", orjson.dumps(payload), timeout=30)
    finally:
        await client.close()


SCENARIO = Scenario(
    "R4", "Orders of several products", "5,000 orders, 5 of 10 SKUs in random order, 20 workers at products", run
)

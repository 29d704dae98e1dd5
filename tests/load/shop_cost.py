"""CPU of the shop per operation, all its processes together, beside the Python shop most people would pick.

    python -m tests.load.shop_cost [--split] [--rounds N] [--only PART]

Starts a shop of its own with demo data, warms it up and measures: a list of 20 products, a product page, "my 50 orders
with lines", the journey from a cart to a paid order (until it is confirmed, captured and the buyer is told; whatever
runs in the background meanwhile counts), orders per second, and 200 buyers at once of a product of which there are 50.
PostgreSQL, NATS and the supervisor are named beside. SALEOR is Saleor 3.23 on the same kind of machine, one worker.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from common.auth import Principal, TokenSigner, load_private_key
from common.clock import SystemClock
from common.ids import format_id, new_id, parse_id
from common.settings import Settings
from common.subgraph.postgres_url import parse_database_url
from deploy.local.secrets import signing_key
from deploy.local.state import StateFolder
from tests.kit.cpu import BESIDE, cpu_s, own_s
from tests.kit.folders import open_folder
from tests.kit.shop_client import ADDRESS, LOGIN, PAY, PLACE, REGISTER
from tests.kit.started_shop import StartedShop, started_shop

#: CPU milliseconds per operation
SALEOR = {"20 products": 33.0, "my 50 orders": 63.0, "journey": 514.0}
READS_PER_ROUND = 150
JOURNEYS_PER_ROUND = 20
ORDERS = 50
CLIENTS = 8
RUSH_BUYERS = 200
RUSH_UNITS = 50
IDLE_S = 3.0

LIST = """query($after: String) { products(first: 20, after: $after, sort: PRICE_ASC) {
  nodes { id name slug stockStatus price { amount currency } category { id name } } pageInfo { endCursor hasNextPage }
} }"""
PAGE = """query($slug: String!) { product(slug: $slug) {
  id sku name description stockStatus weightGrams price { amount currency } compareAtPrice { amount currency }
  category { name slug parent { name slug } } } }"""
MY_ORDERS = """{ me { orders(first: 50) {
  nodes { id number status placedAt total { amount currency }
    lines { quantity total { amount currency } product { id name } } }
  pageInfo { endCursor hasNextPage } } } }"""
MY_ORDERS_PAID = """{ me { orders(first: 50) {
  nodes { id number status placedAt total { amount currency } customer { name } payments { status amount { amount } }
    lines { quantity total { amount currency } product { id name } } }
  pageInfo { endCursor hasNextPage } } } }"""
SET_LINE = """mutation($product: ID!, $quantity: Int!) { cartSetLine(productId: $product, quantity: $quantity) {
  cart { id lines { quantity product { id } } } errors { __typename ... on UserError { message } } } }"""

SETTLED = {
    "orders": "SELECT count(*) FROM orders WHERE id = ANY($1) AND status = 'CONFIRMED'",
    "payments": "SELECT count(*) FROM payment WHERE order_id = ANY($1) AND status = 'CAPTURED'",
    "notifications": "SELECT count(DISTINCT order_id) FROM notification n WHERE order_id = ANY($1) AND NOT EXISTS"
    " (SELECT FROM notification q WHERE q.order_id = n.order_id AND q.status = 'QUEUED')",
}


@dataclass(slots=True)
class Buyer:
    """Asks the router as one caller."""

    url: str
    http: aiohttp.ClientSession
    token: str = ""

    async def ask(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": query, "variables": variables or {}}
        async with self.http.post(f"{self.url}/graphql", json=body, headers=headers) as response:
            answer = await response.json()
        if "errors" in answer:
            raise SystemExit(f"the shop answered with errors: {answer['errors']}")
        return answer["data"]

    async def register(self) -> None:
        account = {"email": f"cost-{uuid4().hex}@punnet.example", "password": "a-long-demo-password"}
        await self.ask(REGISTER, {"input": {**account, "name": "Cost Carla"}})
        self.token = (await self.ask(LOGIN, {"input": account}))["login"]["tokens"]["accessToken"]

    async def place(self, **wanted: Any) -> dict[str, Any]:
        order = {**wanted, "shippingAddress": ADDRESS, "idempotencyKey": new_id("key")}
        payload: dict[str, Any] = (await self.ask(PLACE, {"input": order}))["orderPlace"]
        return payload

    async def journey(self, products: list[str]) -> str:
        """From an empty cart to a payment that was taken; the order's id."""
        cart: dict[str, Any] = {}
        for product in products:
            cart = (await self.ask(SET_LINE, {"product": product, "quantity": 1}))["cartSetLine"]["cart"]
        order = (await self.place(cartId=cart["id"]))["order"]
        payment = {"orderId": order["id"], "paymentMethodToken": "tok_visa", "idempotencyKey": new_id("key")}
        answer = (await self.ask(PAY, {"input": payment}))["paymentCreate"]
        if answer["errors"]:
            raise SystemExit(f"the payment was refused: {answer['errors']}")
        return str(order["id"])


@dataclass(slots=True)
class Stock:
    """Looks into the databases beside the shop: what can be sold, and whether orders have settled."""

    connections: dict[str, asyncpg.Connection]
    plenty: list[str]
    taken: int = 0

    def next(self, count: int) -> list[str]:
        """Products of which there is plenty, all in turn."""
        self.taken += count
        return [self.plenty[(self.taken + offset) % len(self.plenty)] for offset in range(count)]

    async def settled(self, order_ids: list[str]) -> None:
        """Returns once all are confirmed, captured and their buyers told."""
        uuids = [parse_id("ord", order_id) for order_id in order_ids]
        deadline = time.monotonic() + 60
        for subgraph, sql in SETTLED.items():
            while await self.connections[subgraph].fetchval(sql, uuids) < len(uuids):
                if time.monotonic() > deadline:
                    raise SystemExit(f"orders have not settled in {subgraph}")
                await asyncio.sleep(0.01)

    async def rush_product(self) -> UUID:
        sql = "SELECT product_id FROM stock WHERE on_hand = $1 AND reserved = 0 LIMIT 1"
        found: UUID = await self.connections["products"].fetchval(sql, RUSH_UNITS)
        return found

    async def reserved(self, product_id: UUID) -> int:
        sql = "SELECT reserved FROM stock WHERE product_id = $1"
        return int(await self.connections["products"].fetchval(sql, product_id))


@asynccontextmanager
async def open_stock(shop: StartedShop) -> AsyncIterator[Stock]:
    connections = {
        name: await asyncpg.connect(
            **parse_database_url(shop.database_url()).connect_arguments(), database=f"punnet_{name}"
        )
        for name in (*SETTLED, "products")
    }
    try:
        rows = await connections["products"].fetch(
            "SELECT id FROM product JOIN stock ON product_id = id WHERE on_hand > 100 AND status = 'ACTIVE' ORDER BY id"
        )
        yield Stock(connections, [format_id("prod", row["id"]) for row in rows])
    finally:
        for connection in connections.values():
            await connection.close()


@dataclass(slots=True)
class Meter:
    """Measures a shop and prints a line per measurement."""

    pid: int
    rounds: int

    def head(self) -> None:
        print(
            f"{'CPU ms per operation':24} {'median':>7} {'least':>7} {'Saleor':>7} {'ratio':>6}   by process",
            flush=True,
        )

    async def measure(self, name: str, count: int, run: Callable[[], Awaitable[object]], *, like: str = "") -> None:
        """`run` does `count` operations."""
        totals: list[float] = []
        sums: defaultdict[str, float] = defaultdict(float)
        for _ in range(self.rounds):
            before = cpu_s(self.pid)
            await run()
            spent = {process: seconds - before.get(process, 0.0) for process, seconds in cpu_s(self.pid).items()}
            totals.append(1e3 * own_s(spent) / count)
            for process, seconds in spent.items():
                sums[process] += seconds
        median = statistics.median(totals)
        theirs = SALEOR.get(like or name)
        compared = f"{theirs:7.0f} {theirs / median:5.1f}x" if theirs else f"{'':14}"
        share = {process: 1e3 * seconds / count / self.rounds for process, seconds in sums.items()}
        shown = sorted(share.items(), key=lambda item: (item[0] in BESIDE, -item[1]))
        parts = ", ".join(f"{process} {ms:.2f}" for process, ms in shown if ms >= 0.005)
        print(f"{name:24} {median:7.2f} {min(totals):7.2f} {compared}   {parts}", flush=True)


async def reads(meter: Meter, buyer: Buyer, stock: Stock) -> None:
    """The buyer gets fifty orders first, of two products each; ten of them are paid."""
    slugs = [node["slug"] for node in (await buyer.ask(LIST))["products"]["nodes"]]
    placed = [
        (await buyer.place(items=[{"productId": product, "quantity": 1} for product in stock.next(2)]))["order"]["id"]
        for _ in range(ORDERS)
    ]
    for order_id in placed[:10]:
        payment = {"orderId": order_id, "paymentMethodToken": "tok_visa", "idempotencyKey": new_id("key")}
        await buyer.ask(PAY, {"input": payment})
    await stock.settled(placed[:10])
    nobody = Buyer(buyer.url, buyer.http)

    def repeat(count: int, who: Buyer, query: str, **variables: Any) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            for _ in range(count):
                await who.ask(query, variables)

        return run

    for name, who, query, variables in (
        ("20 products", nobody, LIST, {}),
        ("product page", nobody, PAGE, {"slug": slugs[0]}),
        ("my 50 orders", buyer, MY_ORDERS, {}),
        ("… payments, customer", buyer, MY_ORDERS_PAID, {}),
    ):
        await repeat(30, who, query, **variables)()
        like = "my 50 orders" if "payments" in name else ""
        await meter.measure(name, READS_PER_ROUND, repeat(READS_PER_ROUND, who, query, **variables), like=like)


async def journeys(meter: Meter, buyers: list[Buyer], stock: Stock) -> None:
    async def one_after_the_other(count: int = JOURNEYS_PER_ROUND) -> None:
        for _ in range(count):
            await stock.settled([await buyers[0].journey(stock.next(2))])

    await one_after_the_other(10)
    await meter.measure("journey", JOURNEYS_PER_ROUND, one_after_the_other)

    wall_s: list[float] = []

    async def side_by_side() -> None:
        async def client(buyer: Buyer) -> list[str]:
            return [await buyer.journey(stock.next(2)) for _ in range(JOURNEYS_PER_ROUND)]

        started_s = time.perf_counter()
        done = await asyncio.gather(*(client(buyer) for buyer in buyers))
        await stock.settled([order_id for orders in done for order_id in orders])
        wall_s.append(time.perf_counter() - started_s)

    count = CLIENTS * JOURNEYS_PER_ROUND
    await meter.measure(f"journey, {CLIENTS} buyers", count, side_by_side, like="journey")
    print(f"{'':24} {count / statistics.median(wall_s):.1f} orders/s from cart to paid, {CLIENTS} clients", flush=True)


async def rush(meter: Meter, buyers: list[Buyer], stock: Stock) -> None:
    sold: list[str] = []

    async def all_at_once() -> None:
        product = await stock.rush_product()
        items = [{"productId": format_id("prod", product), "quantity": 1}]
        payloads = await asyncio.gather(*(buyer.place(items=items) for buyer in buyers))
        bought = sum(payload["order"] is not None for payload in payloads)
        sold.append(f"{bought} ({await stock.reserved(product)} reserved)")

    await meter.measure(f"{RUSH_BUYERS} buyers at once", RUSH_BUYERS, all_at_once)
    print(f"{'':24} of {RUSH_UNITS} units sold: {', '.join(sold)}", flush=True)


async def idle(meter: Meter) -> None:
    await meter.measure("a second of idleness", round(IDLE_S), lambda: asyncio.sleep(IDLE_S))


async def main(shop: StartedShop, options: argparse.Namespace) -> None:
    assert shop.process is not None
    meter = Meter(shop.process.pid, options.rounds)
    meter.head()
    connector = aiohttp.TCPConnector(limit=0)
    async with open_stock(shop) as stock, aiohttp.ClientSession(connector=connector) as http:
        buyers = [Buyer(shop.url, http) for _ in range(CLIENTS)]
        for buyer in buyers:
            await buyer.register()
        if options.only in ("", "reads"):
            await reads(meter, buyers[0], stock)
        if options.only in ("", "journeys"):
            await journeys(meter, buyers[1:] + buyers[:1], stock)
        if options.only in ("", "rush"):
            await rush(meter, [Buyer(shop.url, http, _token(shop)) for _ in range(RUSH_BUYERS)], stock)
        if options.only in ("", "idle"):
            await idle(meter)


def _token(shop: StartedShop) -> str:
    """Of a customer whom nobody registered: two hundred passwords would take half a minute to hash."""
    fields = Settings.model_fields
    issuer, audience = fields["jwt_issuer"].default, fields["jwt_audience"].default
    signer = TokenSigner(
        load_private_key(signing_key(StateFolder(shop.folder))), issuer=issuer, audience=audience, clock=SystemClock()
    )
    return signer.sign(Principal(new_id("usr"), frozenset({"customer"}), frozenset())).token


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", action="store_true", help="a process per subgraph")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", choices=["reads", "journeys", "rush", "idle"])
    given = parser.parse_args()
    with open_folder() as folder, started_shop(folder, is_split=given.split, is_patient=False) as started:
        asyncio.run(main(started, given))

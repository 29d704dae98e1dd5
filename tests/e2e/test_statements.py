"""What a list of orders and the way from the cart to the paid order cost in SQL."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

from common.ids import new_id
from deploy.local.nats import Nats
from deploy.local.state import StateFolder
from subgraphs.notifications.app import create_app as create_notifications
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.users.domain import Role
from tests.kit.commerce import ADDRESS, PLACE, Commerce, database_of, eventually, running_commerce
from tests.kit.folders import open_folder
from tests.kit.shop_client import ShopClient, customer
from tests.kit.started_shop import StartedShop
from tests.kit.statement_tally import tallying
from tests.kit.subgraph import SubgraphClient, as_user, fresh_database_name, running, settings_of
from tests.kit.users import users_app, users_settings

pytestmark = pytest.mark.anyio

ORDERS = """{ orders(first: 50) {
  nodes { number lines { product { name } } customer { name } payments { status } } } }"""
REQUESTED = re.compile(r'punnet_sql_statements_total\{([^}]*source="request"[^}]*)\} (\S+)')


async def statements(shop: StartedShop, client: ShopClient) -> Counter[str]:
    """Statements run for requests so far, by subgraph."""
    running = StateFolder(shop.folder).running()
    assert running is not None
    addresses = [url.removesuffix("/graphql") for url in running.subgraph_urls.values()] or [shop.url]
    counts: Counter[str] = Counter()
    for address in addresses:
        for labels, count in REQUESTED.findall((await client.http.get(f"{address}/metrics")).text):
            counts[re.findall(r'subgraph="(\w+)"', labels)[0]] += int(float(count))
    return counts


async def test_a_page_of_orders_takes_one_statement_per_subgraph_and_hop(shop: StartedShop) -> None:
    async with customer(shop.url) as buyer:
        await buyer.register_and_log_in()
        products = await buyer.products(6)
        for one, other in pairwise(products):
            order = (await buyer.place({one["id"]: 1, other["id"]: 1}))["order"]
            assert (await buyer.pay(order["id"]))["errors"] == []
            await buyer.wait_for_status(order["id"], "CONFIRMED")

    async with customer(shop.url) as support:
        await support.log_in("support@punnet.example", "support-demo-password")
        before = await statements(shop, support)
        nodes = (await support.ask(ORDERS))["orders"]["nodes"]
        spent = await statements(shop, support) - before

    assert len(nodes) >= 5
    assert len({line["product"]["name"] for node in nodes for line in node["lines"]}) >= 6
    assert all(node["payments"] for node in nodes[:5])
    # orders goes to its table of orders, then to that of lines; all others are asked once
    assert spent == {"orders": 2, "products": 1, "users": 1, "payments": 1}


REGISTER = """mutation($input: UserRegisterInput!) {
    userRegister(input: $input) { user { id } errors { ... on UserError { message } } } }"""
SET_LINE = """mutation($product: ID!) { cartSetLine(productId: $product, quantity: 1) {
    cart { id version lines { quantity product { id } } } errors { __typename } } }"""


@dataclass(frozen=True, slots=True)
class WholeShop:
    """All five subgraphs in this process, where every statement can be heard."""

    trade: Commerce
    users: SubgraphClient
    notifications: SubgraphClient

    def clients(self) -> dict[str, SubgraphClient]:
        return {
            "products": self.trade.products,
            "orders": self.trade.orders,
            "payments": self.trade.payments,
            "users": self.users,
            "notifications": self.notifications,
        }


@asynccontextmanager
async def whole_shop(postgres_url: str) -> AsyncIterator[WholeShop]:
    """On a bus of its own, where no other test's events are waiting to be told of."""
    async with AsyncExitStack() as stack:
        bus = Nats(stack.enter_context(open_folder()) / "nats", durable=False)
        stack.callback(bus.stop)
        nats_url = bus.start()
        mail = NotificationsSettings(**settings_of(postgres_url, nats_url))
        trade = await stack.enter_async_context(running_commerce(postgres_url, nats_url))
        users = await stack.enter_async_context(running(users_app(users_settings(postgres_url, nats_url))))
        messages = create_notifications(mail, database_name=fresh_database_name("notifications"))
        yield WholeShop(trade, users, await stack.enter_async_context(running(messages)))


async def test_an_order_is_placed_with_12_statements_and_bought_with_40(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all databases; the sandbox's own is the payment provider's and not counted."""
    async with whole_shop(postgres_url) as shop:
        who = {"email": f"{new_id('ann')}@punnet.example", "password": "a long password 42", "name": "Ann"}
        registered = await shop.users.data(REGISTER, {"input": who})
        buyer = as_user(registered["userRegister"]["user"]["id"], Role.CUSTOMER)
        one, other = [await shop.trade.add_product(stock=5) for _ in range(2)]
        databases = {name: database_of(client) for name, client in shop.clients().items()}
        async with tallying(databases, monkeypatch) as tally:
            with tally.during("two lines of a cart"):
                await shop.trade.orders.data(SET_LINE, {"product": one}, buyer)
                cart = await shop.trade.orders.data(SET_LINE, {"product": other}, buyer)
                await tally.quiet()
            with tally.during("order placed"):
                given = {
                    "cartId": cart["cartSetLine"]["cart"]["id"],
                    "shippingAddress": ADDRESS,
                    "idempotencyKey": new_id("key"),
                }
                placed = (await shop.trade.orders.data(PLACE, {"input": given}, buyer))["orderPlace"]
                await tally.quiet()
            with tally.during("paid"):
                assert (await shop.trade.pay(buyer, placed["order"]["id"]))["errors"] == []
                await tally.quiet()
            with tally.during("looked at afterwards"):
                await eventually(lambda: shop.trade.status(placed["order"]["id"]), "CONFIRMED")
                await eventually(lambda: shop.trade.payment_statuses(placed["order"]["id"]), ["CAPTURED"])
                sent = """SELECT count(*) AS n FROM notification
                    WHERE order_id IS NOT NULL AND channel = 'EMAIL' AND status <> 'QUEUED'"""
                await eventually(lambda: databases["notifications"].fetch(sent), [{"n": 1}])
    print(tally.table(), *tally.texts, sep="\n")
    assert placed["errors"] == []
    assert tally.total("order placed") <= 12, tally.table()
    assert tally.total("two lines of a cart", "order placed", "paid") <= 40, tally.table()

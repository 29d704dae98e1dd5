"""What a list of orders costs in SQL, counted by the shop itself. In both topologies."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from deploy.local.state import StateFolder
from tests.kit.shop_client import ShopClient, customer
from tests.kit.started_shop import StartedShop

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

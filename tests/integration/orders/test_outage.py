"""Orders go on while others are away, and nothing acknowledged is lost when a process dies."""

import asyncio
import signal
import sys
from functools import partial

import pytest

from common.settings import SubgraphSettings
from subgraphs.orders.app import create_app as create_orders
from subgraphs.orders.settings import OrdersSettings
from subgraphs.products.app import create_app as create_products
from tests.kit.commerce import Commerce, customer, database_of, eventually, running_commerce
from tests.kit.subgraph import as_user, fresh_database_name, running, settings_of

pytestmark = pytest.mark.anyio


async def test_an_order_is_accepted_while_products_is_away_and_finished_when_it_is_back(
    postgres_url: str, nats_url: str
) -> None:
    settings = SubgraphSettings(**settings_of(postgres_url, nats_url))
    products_app = partial(create_products, settings, database_name=fresh_database_name("products"))
    orders_app = create_orders(
        OrdersSettings(**settings_of(postgres_url, nats_url)), database_name=fresh_database_name("orders")
    )
    buyer = customer()
    async with running(orders_app) as orders:
        async with running(products_app()) as products:
            product_id = await Commerce(products, orders, orders).add_product(stock=5, price="10.00")
        shop = Commerce(orders, orders, orders)
        placed = await shop.place(buyer, [{"productId": product_id, "quantity": 2, "expectedUnitPrice": "10.00"}])
        assert placed["errors"] == []
        assert placed["order"]["status"] == "PENDING"
        assert placed["order"]["total"] == {"amount": "20.00", "currency": "USD"}

        async with running(products_app()) as products:
            await eventually(lambda: shop.status(placed["order"]["id"]), "AWAITING_PAYMENT")
            assert await Commerce(products, orders, orders).inventory(product_id) == (5, 2)
        document = "query($id: ID!) { order(id: $id) { total { amount } lines { nameSnapshot } } }"
        order = (await orders.data(document, {"id": placed["order"]["id"]}, buyer))["order"]
        assert order == {"total": {"amount": "27.99"}, "lines": [{"nameSnapshot": "Punnet of strawberries"}]}


async def test_events_of_a_process_killed_between_commit_and_publish_are_published_later(
    postgres_url: str, nats_url: str
) -> None:
    names = (fresh_database_name("products"), fresh_database_name("orders"), fresh_database_name("payments"))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.dying_shop", postgres_url, nats_url, *names, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL
    # what it acknowledged before it died: its buyer, the order and the payment
    buyer_id, order_id, payment_status = output.decode().split()[-3:]
    assert payment_status == "AUTHORIZED"
    async with running_commerce(postgres_url, nats_url, names=names) as shop:
        await eventually(lambda: shop.status(order_id), "CONFIRMED")
        await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])

        async def unpublished() -> int:
            rows = await database_of(shop.orders).fetch("SELECT count(*) AS n FROM outbox WHERE published_at IS NULL")
            count: int = rows[0]["n"]
            return count

        await eventually(unpublished, 0)
        document = "query($id: ID!) { order(id: $id) { lines { product { id } } } }"
        order = (await shop.orders.data(document, {"id": order_id}, as_user(buyer_id)))["order"]
        assert await shop.inventory(order["lines"][0]["product"]["id"]) == (5, 1)

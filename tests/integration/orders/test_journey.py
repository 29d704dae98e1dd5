"""From the shelf to a confirmed order, over real PostgreSQL and NATS."""

import pytest

from tests.kit.commerce import STAFF, Commerce, customer, eventually

pytestmark = pytest.mark.anyio


async def test_a_paid_order_is_confirmed_captured_and_its_stock_committed(shop: Commerce) -> None:
    buyer = customer()
    product_id = await shop.add_product(stock=5, price="10.00", weight_grams=500)
    order = await shop.placed(buyer, product_id, 2)
    assert (order["status"], order["version"]) == ("AWAITING_PAYMENT", 2)
    # 2 × 10.00, shipping 4.90 + 1.20 for one kilogram, tax of 7.25 % on each: 1.45 + 0.44
    assert order["total"] == {"amount": "27.99", "currency": "USD"}
    assert await shop.inventory(product_id) == (5, 2)

    paid = await shop.pay(buyer, order["id"])
    assert paid["errors"] == []
    assert paid["payment"]["status"] == "AUTHORIZED"
    await eventually(lambda: shop.status(order["id"]), "CONFIRMED")
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    assert await shop.inventory(product_id) == (5, 2)

    document = "query($id: ID!) { order(id: $id) { history { from to actor } } }"
    history = (await shop.orders.data(document, {"id": order["id"]}, STAFF))["order"]["history"]
    assert history == [
        {"from": None, "to": "PENDING", "actor": buyer.subject},
        {"from": "PENDING", "to": "AWAITING_PAYMENT", "actor": buyer.subject},
        {"from": "AWAITING_PAYMENT", "to": "CONFIRMED", "actor": "system:orders"},
    ]

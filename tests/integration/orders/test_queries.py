"""Reading orders takes one statement per kind of row, however many orders there are."""

import asyncio

import pytest

from common.ids import new_id
from common.subgraph.statements import record_statements
from tests.kit.commerce import STAFF, Commerce, customer, database_of

pytestmark = pytest.mark.anyio

LIST = """{ orders(first: 50) { nodes {
    number status total { amount } customer { id } lines { nameSnapshot product { id } } history { to }
    fulfillments { id lines { quantity } } } } }"""


async def test_fifty_orders_with_their_lines_take_one_statement_per_table(shop: Commerce) -> None:
    products = [await shop.add_product(stock=1000) for _ in range(3)]
    items = [{"productId": product_id, "quantity": 1} for product_id in products]
    await asyncio.gather(*(shop.place(customer(), items) for _ in range(50)))
    with record_statements(database_of(shop.orders).observer) as statements:
        data = await shop.orders.data(LIST, {}, STAFF)
        await asyncio.sleep(0)
    assert len(data["orders"]["nodes"]) == 50
    assert all(len(node["lines"]) == 3 for node in data["orders"]["nodes"])
    texts = [statement.text for statement in statements]
    tables = ("FROM orders o\n", "FROM order_line", "FROM order_history", "FROM fulfillment\n", "FROM fulfillment_line")
    # there are no fulfilments, so nobody asks for their lines
    assert [sum(table in text for text in texts) for table in tables] == [1, 1, 1, 1, 0]


async def test_payments_of_fifty_orders_take_one_statement(shop: Commerce) -> None:
    ten = {"amount": "10.00", "currency": "USD"}
    given = [{"__typename": "Order", "id": new_id("ord"), "total": ten, "amountPayable": ten} for _ in range(50)]
    selection = "... on Order { payments { status refunds { id } } paymentStatus balanceDue { amount } }"
    with record_statements(database_of(shop.payments).observer) as statements:
        entities = await shop.payments.entities(selection, given, STAFF)
        await asyncio.sleep(0)
    unpaid = {"payments": [], "paymentStatus": "UNPAID", "balanceDue": {"amount": "10.00"}}
    assert entities == [unpaid] * 50
    assert sum("FROM payment\n" in s.text or "FROM payment WHERE" in s.text for s in statements) == 1


async def test_orders_of_several_users_share_a_statement_and_pages_follow_each_other(shop: Commerce) -> None:
    product_id, buyers = await shop.add_product(stock=100), [customer() for _ in range(3)]
    for buyer in buyers:
        for _ in range(3):
            await shop.placed(buyer, product_id)
    given = [{"__typename": "User", "id": buyer.subject} for buyer in buyers]
    selection = "... on User { orders(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    with record_statements(database_of(shop.orders).observer) as statements:
        users = await shop.orders.entities(selection, given, STAFF)
        await asyncio.sleep(0)
    assert [len(user["orders"]["nodes"]) for user in users] == [2, 2, 2]
    assert sum("FROM orders o" in statement.text for statement in statements) == 1
    cursor = users[0]["orders"]["pageInfo"]["endCursor"]
    selection = f'... on User {{ orders(first: 2, after: "{cursor}") {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}'
    (rest,) = await shop.orders.entities(selection, given[:1], buyers[0])
    assert len(rest["orders"]["nodes"]) == 1
    assert rest["orders"]["pageInfo"] == {"hasNextPage": False}
    assert rest["orders"]["nodes"][0] not in users[0]["orders"]["nodes"]


async def test_shipping_is_estimated_from_the_weight_that_the_router_brings_along(shop: Commerce) -> None:
    given = [{"__typename": "Product", "id": new_id("prod"), "weightGrams": 1500}]
    selection = """... on Product {
        home: shippingEstimate(country: "US") { amount currency }
        yen: shippingEstimate(country: "JP", quantity: 2, currency: "JPY") { amount currency }
        unknown: shippingEstimate(country: "US", currency: "KWD") { amount } }"""
    (product,) = await shop.orders.entities(selection, given)
    assert product == {
        "home": {"amount": "7.30", "currency": "USD"},
        "yen": {"amount": "4935", "currency": "JPY"},
        "unknown": None,
    }


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ orders { nodes { id } } }", "FORBIDDEN"),
        ("{ order { id } }", "BAD_USER_INPUT"),
        ('{ order(id: "x", number: "y") { id } }', "BAD_USER_INPUT"),
    ],
)
async def test_customers_cannot_list_all_orders_nor_ask_for_nothing(shop: Commerce, document: str, code: str) -> None:
    answer = await shop.orders.execute(document, {}, customer())
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


async def test_the_history_of_an_order_is_for_staff(shop: Commerce) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=1))
    document = "query($id: ID!) { order(id: $id) { history { to } } }"
    answer = await shop.orders.execute(document, {"id": order["id"]}, buyer)
    assert answer["data"] == {"order": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]

"""Placing orders: once per key, all or nothing, and never waiting for ever."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from common.ids import new_id, parse_id, uuid7
from common.subgraph.errors import IdempotencyInFlightError
from common.subgraph.statements import record_statements
from subgraphs.orders.domain.pricing import RequestedLine
from subgraphs.orders.service.placing import OrderRequest
from subgraphs.orders.service.stock import HeldStock, Stock
from subgraphs.users.domain import Role
from tests.kit.commerce import ADDRESS, PLACE, STAFF, Commerce, customer, database_of, truncate
from tests.kit.subgraph import as_user

pytestmark = pytest.mark.anyio

SET_LINE = """mutation($product: ID!, $quantity: Int!, $version: Int) {
    cartSetLine(productId: $product, quantity: $quantity, expectedVersion: $version) {
        cart { id version lines { quantity product { id } } }
        errors { __typename ... on UserError { message path } ... on StaleVersionError { currentVersion } } } }"""


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["__typename"] for error in payload["errors"]]


async def order_count(shop: Commerce) -> int:
    rows = await database_of(shop.orders).fetch("SELECT count(*) AS n FROM orders")
    count: int = rows[0]["n"]
    return count


async def test_a_key_sent_twenty_times_at_once_makes_one_order(shop: Commerce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.subgraph.phased.IN_FLIGHT_WAIT_S", 60.0)  # nobody is told to come later
    buyer, product_id = customer(), await shop.add_product(stock=50)
    given = [{"productId": product_id, "quantity": 2}]
    key = new_id("key")
    payloads = await asyncio.gather(*(shop.place(buyer, given, idempotencyKey=key) for _ in range(20)))
    assert payloads == [payloads[0]] * 20
    assert payloads[0]["errors"] == []
    assert await order_count(shop) == 1
    assert await shop.inventory(product_id) == (50, 2)


async def test_a_repetition_says_that_it_is_one_whether_the_order_was_made_or_refused(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=1)
    for quantity in (1, 2):
        items = [{"productId": product_id, "quantity": quantity}]
        given = {"input": {"items": items, "shippingAddress": ADDRESS, "idempotencyKey": f"k{quantity}"}}
        first, second = [await shop.orders.execute(PLACE, given, buyer) for _ in range(2)]
        assert "extensions" not in first
        assert second == {**first, "extensions": {"idempotentReplay": True}}


async def test_a_key_reused_for_another_order_is_a_conflict_and_belongs_to_its_buyer_alone(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=50)
    for_one, for_two = ([{"productId": product_id, "quantity": quantity}] for quantity in (1, 2))
    assert codes(await shop.place(buyer, for_one, idempotencyKey="k")) == []
    assert codes(await shop.place(buyer, for_two, idempotencyKey="k")) == ["IdempotencyConflictError"]
    assert codes(await shop.place(customer(), for_two, idempotencyKey="k")) == []
    assert await shop.inventory(product_id) == (50, 3)


async def test_a_shortage_is_told_with_its_lines_and_nothing_is_written(shop: Commerce) -> None:
    buyer, plenty, scarce = customer(), await shop.add_product(stock=9), await shop.add_product(stock=1)
    given = [{"productId": plenty, "quantity": 1}, {"productId": scarce, "quantity": 4}]
    key = new_id("key")
    first, second = [await shop.place(buyer, given, idempotencyKey=key) for _ in range(2)]
    shortages = [{"product": {"id": scarce}, "requested": 4, "available": 1}]
    assert first["order"] is None
    assert codes(first) == ["InsufficientStockError"]
    assert first["errors"][0]["shortages"] == shortages
    assert second == first
    assert await order_count(shop) == 0
    assert await shop.inventory(plenty) == (9, 0)
    outbox = await database_of(shop.orders).fetch("SELECT count(*) AS n FROM outbox")
    assert outbox == [{"n": 0}]


async def test_the_buyer_never_pays_another_price_than_the_one_shown(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=9, price="10.00")
    shown = [{"productId": product_id, "quantity": 1, "expectedUnitPrice": "9.00"}]
    refused = await shop.place(buyer, shown)
    assert codes(refused) == ["PriceChangedError"]
    assert (refused["errors"][0]["was"], refused["errors"][0]["now"]) == ({"amount": "9.00"}, {"amount": "10.00"})
    assert codes(await shop.place(buyer, [{**shown[0], "expectedUnitPrice": "10.00"}])) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": []},
        {"items": [{"productId": "prod_01h455vb4pex5vsknk084sn02q", "quantity": 1}]},
        {"items": [{"productId": "usr_01h455vb4pex5vsknk084sn02q", "quantity": 1}]},
        {"currency": "EUR"},
        {"currency": "XXX"},
        {"shippingAddress": {**ADDRESS, "country": "Oregon"}},
        {"shippingAddress": {**ADDRESS, "city": " "}},
        {"shippingAddress": {**ADDRESS, "street": "Berry\0Lane"}},
        {"shippingAddress": {**ADDRESS, "name": "x" * 201}},
        {"cartId": "cart_01h455vb4pex5vsknk084sn02q"},
    ],
)
async def test_a_wrong_order_is_refused_and_changes_nothing(shop: Commerce, wrong: dict[str, Any]) -> None:
    product_id = await shop.add_product(stock=5)
    items = [{"productId": product_id, "quantity": 1}]
    payload = await shop.place(customer(), **{"items": items, **wrong})
    assert payload["order"] is None
    assert codes(payload) in (["InvalidInputError"], ["NotFoundError"], ["NotSoldInCurrencyError"])
    assert await order_count(shop) == 0
    assert await shop.inventory(product_id) == (5, 0)


async def test_quantities_below_one_and_products_twice_are_refused(shop: Commerce) -> None:
    product_id = await shop.add_product(stock=5)
    for items in ([(product_id, 0)], [(product_id, -1)], [(product_id, 1), (product_id, 1)]):
        given = [{"productId": wanted, "quantity": quantity} for wanted, quantity in items]
        assert codes(await shop.place(customer(), given)) == ["InvalidInputError"]


async def test_an_order_takes_its_cart_along_and_two_at_once_get_one_order(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=50)
    payload = (await shop.orders.data(SET_LINE, {"product": product_id, "quantity": 3}, buyer))["cartSetLine"]
    cart_id = payload["cart"]["id"]

    async def place() -> dict[str, Any]:
        given = {"cartId": cart_id, "shippingAddress": ADDRESS, "idempotencyKey": new_id("key")}
        placed: dict[str, Any] = (await shop.orders.data(PLACE, {"input": given}, buyer))["orderPlace"]
        return placed

    payloads = await asyncio.gather(*(place() for _ in range(5)))
    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1, 1, 1, 1]
    assert await shop.inventory(product_id) == (50, 3)
    (user,) = await shop.orders.entities(
        "... on User { cart { id } }", [{"__typename": "User", "id": buyer.subject}], buyer
    )
    assert user == {"cart": None}


async def test_no_line_of_a_cart_is_lost_when_many_are_set_at_once(shop: Commerce) -> None:
    buyer, products = customer(), [new_id("prod") for _ in range(10)]

    async def set_line(product_id: str, quantity: int) -> None:
        data = await shop.orders.data(SET_LINE, {"product": product_id, "quantity": quantity}, buyer)
        assert data["cartSetLine"]["errors"] == []

    await asyncio.gather(*(set_line(product_id, 5) for product_id in products for _ in range(5)))
    document = (
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { cart { version lines { quantity } } } } }"
    )
    given = [{"__typename": "User", "id": buyer.subject}]
    (user,) = (await shop.orders.data(document, {"r": given}, buyer))["_entities"]
    assert user["cart"] == {"version": 50, "lines": [{"quantity": 5}] * 10}


async def test_a_cart_of_another_version_is_not_changed(shop: Commerce) -> None:
    buyer, product_id = customer(), new_id("prod")
    await shop.orders.data(SET_LINE, {"product": product_id, "quantity": 1}, buyer)
    stale = {"product": product_id, "quantity": 9, "version": 0}
    payload = (await shop.orders.data(SET_LINE, stale, buyer))["cartSetLine"]
    assert (payload["cart"], codes(payload)) == (None, ["StaleVersionError"])
    assert payload["errors"][0]["currentVersion"] == 1
    fresh = (await shop.orders.data(SET_LINE, {**stale, "version": 1}, buyer))["cartSetLine"]
    assert fresh["cart"]["lines"] == [{"quantity": 9, "product": {"id": product_id}}]


async def test_support_orders_for_a_customer_and_the_order_is_the_customers(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    support = as_user(new_id("usr"), Role.SUPPORT)
    items = [{"productId": product_id, "quantity": 1}]
    placed = await shop.place(support, items, customerId=buyer.subject)
    document = "query($id: ID!) { order(id: $id) { customer { id } } }"
    assert (await shop.orders.data(document, {"id": placed["order"]["id"]}, buyer))["order"] == {
        "customer": {"id": buyer.subject}
    }


async def test_placing_an_order_takes_at_most_twelve_statements_over_all_databases(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    with (
        record_statements(database_of(shop.orders).observer) as of_orders,
        record_statements(database_of(shop.products).observer) as of_products,
    ):
        await shop.placed(buyer, product_id)
        await asyncio.sleep(0)
    # workers look for work all the time, whether there is an order or not
    idle = (
        *("UPDATE saga SET next_at", "DISTINCT order_id FROM reservation", "FROM dead_letter"),
        *("SELECT seq", "relay", "SELECT occurred_at FROM outbox", "idempotency WHERE"),
    )
    texts = [statement.text for statement in [*of_orders, *of_products]]
    counted = [text for text in texts if not any(words in text for words in idle)]
    assert 3 <= len(counted) <= 12, counted


async def test_orders_of_others_look_as_if_they_did_not_exist(shop: Commerce) -> None:
    buyer, stranger = customer(), customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    by_id = "query($id: ID!) { order(id: $id) { id } }"
    by_number = "query($number: String!) { order(number: $number) { id } }"
    given = [{"__typename": "Order", "id": order["id"]}, {"__typename": "Order", "number": order["number"]}]
    for caller, expected in [(buyer, {"id": order["id"]}), (STAFF, {"id": order["id"]}), (stranger, None)]:
        assert (await shop.orders.data(by_id, {"id": order["id"]}, caller))["order"] == expected
        assert (await shop.orders.data(by_number, {"number": order["number"]}, caller))["order"] == expected
        assert await shop.orders.entities("... on Order { id }", given, caller) == [expected, expected]
    cancel = "mutation($id: ID!) { orderCancel(id: $id, reason: CUSTOMER) { order { id } errors { __typename } } }"
    cancelled = (await shop.orders.data(cancel, {"id": order["id"]}, stranger))["orderCancel"]
    assert (cancelled["order"], codes(cancelled)) == (None, ["NotFoundError"])
    user = [{"__typename": "User", "id": buyer.subject}]
    selection = "... on User { cart { id } orders { nodes { id } } }"
    assert await shop.orders.entities(selection, user, stranger) == [{"cart": None, "orders": None}]
    assert await shop.orders.entities("... on User { orders { nodes { id } } }", user, buyer) == [
        {"orders": {"nodes": [{"id": order["id"]}]}}
    ]


async def test_a_repetition_continues_where_a_request_died_and_holds_nothing_twice(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    items = [{"productId": product_id, "quantity": 2}]
    database = database_of(shop.orders)
    first = await shop.place(buyer, items, idempotencyKey="k")
    # as if the process had died after the goods were held and before the order was written
    order_id = parse_id("ord", first["order"]["id"])
    await truncate(database, "orders, order_line, order_history, saga, outbox CASCADE")
    point = {"recovery_point": {"order_id": str(order_id)}, "locked_until": 0}
    await database.fetch("UPDATE idempotency SET answer = $1", [orjson.dumps(point).decode()])

    again = await shop.place(buyer, items, idempotencyKey="k")
    assert again["errors"] == []
    assert again["order"]["id"] == first["order"]["id"]
    assert await shop.inventory(product_id) == (5, 2)
    other = [{"productId": product_id, "quantity": 1}]
    assert codes(await shop.place(buyer, other, idempotencyKey="k")) == ["IdempotencyConflictError"]


async def test_a_request_that_was_taken_for_dead_takes_nothing_from_its_repetition(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    assert buyer.subject is not None
    cart_set = f'mutation {{ cartSetLine(productId: "{product_id}", quantity: 2) {{ cart {{ id }} }} }}'
    cart_id = (await shop.orders.data(cart_set, {}, buyer))["cartSetLine"]["cart"]["id"]
    customer_id = parse_id("usr", buyer.subject)
    wanted = OrderRequest(buyer.subject, customer_id, None, parse_id("cart", cart_id), ADDRESS, "USD", "k")
    placing = shop.orders.app.state.runtime.service().placing
    has_goods, may_go_on = asyncio.Event(), asyncio.Event()

    class Frozen(Stock):
        """Hears only later that it has the goods."""

        async def reserve(self, order_id: UUID, lines: Sequence[RequestedLine], currency: str) -> HeldStock:
            held: HeldStock = await placing.stock.reserve(order_id, lines, currency)
            has_goods.set()
            await may_go_on.wait()
            return held

    real = placing.stock
    frozen = replace(placing, stock=Frozen(real.bus, real.timeout_s, real.reservation_ttl_s))
    first = asyncio.create_task(frozen.place(wanted))
    await has_goods.wait()
    await database_of(shop.orders).fetch("UPDATE idempotency SET answer = jsonb_set(answer, '{locked_until}', '0')")
    order_id = (await placing.place(wanted)).id
    may_go_on.set()
    with pytest.raises(IdempotencyInFlightError):
        await first
    assert await shop.inventory(product_id) == (5, 2)
    assert (await placing.place(wanted)).id == order_id


async def test_a_request_that_is_still_running_makes_its_repetition_wait_and_then_give_way(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    items = [{"productId": product_id, "quantity": 2}]
    await shop.place(buyer, items, idempotencyKey="k")
    running = {"recovery_point": {"order_id": str(uuid7())}, "locked_until": 2**40}
    await database_of(shop.orders).fetch("UPDATE idempotency SET answer = $1", [orjson.dumps(running).decode()])
    given = {"items": items, "shippingAddress": ADDRESS, "idempotencyKey": "k"}
    answer = await shop.orders.execute(PLACE, {"input": given}, buyer)
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "IDEMPOTENCY_IN_FLIGHT", "retryable": True, "retryAfterMs": 1000}


async def test_an_order_in_another_currency_is_priced_by_the_list_or_says_what_is_not_on_it(shop: Commerce) -> None:
    buyer, in_both, in_dollars = customer(), await shop.add_product(stock=5), await shop.add_product(stock=5)
    document = """mutation($id: ID!) { productPriceSet(
        input: { productId: $id, price: { amount: "9.50", currency: "EUR" } }) { errors { __typename } } }"""
    await shop.products.data(document, {"id": in_both}, STAFF)
    placed = (await shop.place(buyer, [{"productId": in_both, "quantity": 2}], currency="EUR"))["order"]
    assert placed["total"]["currency"] == "EUR"
    document = "query($id: ID!) { order(id: $id) { lines { unitPrice { amount currency } } } }"
    order = (await shop.orders.data(document, {"id": placed["id"]}, buyer))["order"]
    assert order["lines"] == [{"unitPrice": {"amount": "9.50", "currency": "EUR"}}]

    document = """mutation($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } errors { __typename
        ... on UserError { path } ... on NotSoldInCurrencyError { products { id } } } } }"""
    items = [{"productId": product_id, "quantity": 1} for product_id in (in_both, in_dollars)]
    given = {"items": items, "currency": "EUR", "shippingAddress": ADDRESS, "idempotencyKey": new_id("key")}
    for _ in range(2):
        refused = await shop.orders.data(document, {"input": given}, buyer)
        assert refused["orderPlace"] == {
            "order": None,
            "errors": [
                {"__typename": "NotSoldInCurrencyError", "path": ["currency"], "products": [{"id": in_dollars}]}
            ],
        }
    assert await shop.inventory(in_both) == (5, 2)

"""Prices in several currencies: what is shown, what is listed and sorted, and what stock is held for."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tortoise.exceptions import IntegrityError

from common.ids import format_id, new_id, uuid7
from common.subgraph.statements import record_statements
from subgraphs.products.domain.reservations import RefusalCode, Reservation, ReservationRefusal, WantedLine
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.service.rush import Rush
from tests.integration.products.shelf import Shelf
from tests.kit.commerce import STAFF

pytestmark = pytest.mark.anyio

SET = """mutation($input: ProductPriceSetInput!) { productPriceSet(input: $input) {
    product { version prices { price { amount currency } compareAtPrice { amount } } }
    errors { __typename ... on StaleVersionError { currentVersion } ... on UserError { path } } } }"""
REMOVE = """mutation($input: ProductPriceRemoveInput!) { productPriceRemove(input: $input) {
    product { version priceIn(currency: "EUR") { amount } } errors { __typename } } }"""
UPDATE = """mutation($input: ProductUpdateInput!) { productUpdate(input: $input) {
    product { price { amount currency } compareAtPrice { amount } prices { price { currency } } category { id }
        description weightGrams }
    errors { __typename ... on UserError { path } } } }"""
LIST = """query($filter: ProductFilter!, $sort: ProductSort, $after: String) {
    products(filter: $filter, sort: $sort, first: 2, after: $after) {
        totalCount nodes { name price { amount } priceIn(currency: "JPY") { amount } prices { price { amount } } }
        pageInfo { endCursor hasNextPage } } }"""


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def listed(*prices: dict[str, str]) -> list[dict[str, Any]]:
    return [{"price": price} for price in prices]


async def test_staff_keeps_a_list_with_one_price_per_currency(shelf: Shelf) -> None:
    product_id = format_id(PRODUCT_PREFIX, await shelf.add(stock=1, prices=listed(money("1500", "JPY"))))

    async def set_price(**given: Any) -> dict[str, Any]:
        answer = await shelf.client.data(SET, {"input": {"productId": product_id, **given}}, STAFF)
        payload: dict[str, Any] = answer["productPriceSet"]
        return payload

    await set_price(price=money("9.00", "EUR"))
    changed = await set_price(price=money("8.50", "EUR"), compareAtPrice=money("9.00", "EUR"), expectedVersion=2)
    assert changed["product"] == {
        "version": 3,
        "prices": [
            {"price": money("10.00"), "compareAtPrice": None},
            {"price": money("8.50", "EUR"), "compareAtPrice": {"amount": "9.00"}},
            {"price": money("1500", "JPY"), "compareAtPrice": None},
        ],
    }
    refused = [
        await set_price(price=money("9.00")),
        await set_price(price=money("9.00", "EUR"), compareAtPrice=money("9.00", "EUR")),
        await set_price(price=money("9.00", "EUR"), compareAtPrice=money("99.00")),
        await set_price(price=money("9.001", "EUR")),
        await set_price(price=money("7.00", "EUR"), expectedVersion=2),
    ]
    assert [payload["errors"][0]["__typename"] for payload in refused] == ["InvalidInputError"] * 4 + [
        "StaleVersionError"
    ]
    removals = [
        (await shelf.client.data(REMOVE, {"input": {"productId": product_id, "currency": "EUR"}}, STAFF))
        for _ in range(2)
    ]
    assert [answer["productPriceRemove"] for answer in removals] == [
        {"product": {"version": 4, "priceIn": None}, "errors": []},
        {"product": None, "errors": [{"__typename": "NotFoundError"}]},
    ]


async def test_a_list_in_a_currency_has_what_is_sold_in_it_sorted_and_narrowed_by_those_prices(shelf: Shelf) -> None:
    await shelf.add(stock=1, name="Fig", price=money("1.00"), prices=listed(money("900", "JPY")))
    await shelf.add(stock=1, name="Date", price=money("2.00"), prices=listed(money("300", "JPY")))
    await shelf.add(stock=1, name="Yuzu", price=money("500", "JPY"))
    await shelf.add(stock=1, name="Kiwi", price=money("3.00"))
    await shelf.add(stock=1, name="Melon", price=money("4.00"), prices=listed(money("9000", "JPY")))
    given: dict[str, Any] = {"filter": {"currency": "JPY"}, "sort": "PRICE_ASC"}
    with record_statements(shelf.database.observer, source="request") as statements:
        first = (await shelf.client.data(LIST, given))["products"]
        await asyncio.sleep(0)
    # the list and its total, prices included
    assert len(statements) == 2
    rest = (await shelf.client.data(LIST, {**given, "after": first["pageInfo"]["endCursor"]}))["products"]
    nodes = [*first["nodes"], *rest["nodes"]]
    assert [(node["name"], node["priceIn"]["amount"]) for node in nodes] == [
        ("Date", "300"),
        ("Yuzu", "500"),
        ("Fig", "900"),
        ("Melon", "9000"),
    ]
    assert (first["totalCount"], rest["pageInfo"]["hasNextPage"]) == (4, False)
    narrowed = {"filter": {"priceMin": money("400", "JPY"), "priceMax": money("900", "JPY")}, "sort": "PRICE_DESC"}
    found = (await shelf.client.data(LIST, narrowed))["products"]["nodes"]
    assert [node["name"] for node in found] == ["Fig", "Yuzu"]
    answer = await shelf.client.execute(LIST, {"filter": {"currency": "EUR", "priceMin": money("1.00")}})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_stock_is_held_at_the_price_of_the_asked_currency_or_not_at_all(shelf: Shelf) -> None:
    both = await shelf.add(stock=9, prices=listed(money("9.00", "EUR")))
    dollars_only = await shelf.add(stock=9)

    async def reserve(currency: str, expected: int | None, *products: UUID) -> Reservation | ReservationRefusal:
        lines = [WantedLine(product_id, 1, expected) for product_id in products]
        return await shelf.reservations.reserve(uuid7(), lines, currency, 900)

    held = await reserve("EUR", 900, both)
    assert isinstance(held, Reservation)
    assert [(line.unit_price_minor, line.currency) for line in held.lines] == [(900, "EUR")]
    assert isinstance(await reserve("USD", 1000, both, dollars_only), Reservation)
    outcomes = [
        await reserve("EUR", None, both, dollars_only),
        await reserve("EUR", 1000, both),
        await reserve("GBP", None, both),
    ]
    codes = [(outcome.code, len(outcome.lines)) for outcome in outcomes if isinstance(outcome, ReservationRefusal)]
    assert codes == [
        (RefusalCode.CURRENCY_MISMATCH, 1),
        (RefusalCode.PRICE_CHANGED, 1),
        (RefusalCode.CURRENCY_MISMATCH, 1),
    ]
    assert await shelf.stock(both) == (9, 2)
    await shelf.check_laws()


async def test_buyers_in_a_rush_each_pay_in_their_own_currency(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=40, prices=listed(money("9.00", "EUR"), money("1500", "JPY")))
    rush, minor = Rush(shelf.reservations), {"USD": 1000, "EUR": 900, "JPY": 1500, "GBP": None}
    asked = list(minor) * 20
    outcomes = await asyncio.gather(
        *(rush.reserve(uuid7(), [WantedLine(product_id, 1)], currency, 900) for currency in asked)
    )
    for currency, outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, Reservation):
            assert (outcome.lines[0].unit_price_minor, outcome.lines[0].currency) == (minor[currency], currency)
        else:
            assert outcome.code is (
                RefusalCode.CURRENCY_MISMATCH if currency == "GBP" else RefusalCode.INSUFFICIENT_STOCK
            )
    assert await shelf.stock(product_id) == (40, 40)
    stored = await shelf.database.fetch("SELECT DISTINCT currency, unit_price_minor AS minor FROM reservation")
    assert {row["currency"]: row["minor"] for row in stored}.items() <= minor.items()
    await shelf.check_laws()


async def test_an_update_changes_what_is_given_and_empties_what_is_null(shelf: Shelf) -> None:
    created = await shelf.add(
        stock=1, description="Red", compareAtPrice=money("15.00"), prices=listed(money("9.00", "EUR"))
    )
    product_id = format_id(PRODUCT_PREFIX, created)

    async def update(**given: Any) -> dict[str, Any]:
        answer = await shelf.client.data(UPDATE, {"input": {"id": product_id, **given}}, STAFF)
        payload: dict[str, Any] = answer["productUpdate"]
        return payload

    kept = (await update(price=money("12.00"), weightGrams=70))["product"]
    assert (kept["description"], kept["compareAtPrice"], kept["weightGrams"]) == ("Red", {"amount": "15.00"}, 70)
    # no reduction any more
    assert (await update(price=money("16.00"), description=None))["product"]["compareAtPrice"] is None
    assert (await update(compareAtPrice=money("16.00")))["errors"][0]["path"] == ["compareAtPrice"]
    reduced = (await update(compareAtPrice=money("20.00")))["product"]
    assert (reduced["compareAtPrice"], reduced["description"]) == ({"amount": "20.00"}, None)
    assert (await update(compareAtPrice=None))["product"]["compareAtPrice"] is None
    assert (await update(categoryId=new_id("cat")))["errors"][0] == {
        "__typename": "NotFoundError",
        "path": ["categoryId"],
    }
    # its own currency is that of the list's entry now, which has gone
    moved = (await update(price=money("11.00", "EUR"), categoryId=None))["product"]
    assert (moved["price"], moved["prices"]) == (money("11.00", "EUR"), [{"price": {"currency": "EUR"}}])
    assert await shelf.database.fetch("SELECT 1 FROM product_price") == []


@pytest.mark.parametrize("wrong", ["1000, 'EUR', 1000", "-1, 'EUR', NULL", "1, 'eur', NULL"])
async def test_the_database_itself_refuses_prices_that_are_none(shelf: Shelf, wrong: str) -> None:
    product_id = await shelf.add(stock=1)
    with pytest.raises(IntegrityError, match="product_price_"):
        await shelf.database.fetch(
            f"""INSERT INTO product_price (product_id, price_minor, currency, compare_at_minor)
                VALUES ($1, {wrong})""",  # noqa: S608 - of this test
            [product_id],
        )

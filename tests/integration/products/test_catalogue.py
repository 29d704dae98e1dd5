"""The catalogue as clients read and staff write it, through GraphQL on real PostgreSQL."""

import asyncio
from typing import Any

import pytest

from common.ids import format_id, new_id, uuid7
from common.subgraph.statements import record_statements
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.events import STOCK_STATUS_CHANGED
from subgraphs.users.domain import Role
from tests.integration.products.shelf import Shelf
from tests.kit.commerce import STAFF, customer
from tests.kit.events import eventually
from tests.kit.subgraph import as_user

pytestmark = pytest.mark.anyio

PAGE = """query($first: Int, $after: String, $last: Int, $before: String, $filter: ProductFilter, $sort: ProductSort!) {
    products(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) {
        nodes { name price { amount } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
CREATE = """mutation($input: ProductCreateInput!) { productCreate(input: $input) {
    product { id sku slug version stockStatus inventory { onHand } }
    errors { __typename ... on UserError { message path } ... on DuplicateSkuError { existing { sku } } } } }"""
UPDATE = """mutation($input: ProductUpdateInput!) { productUpdate(input: $input) {
    product { name version status price { amount } }
    errors { __typename ... on StaleVersionError { currentVersion } ... on UserError { message } } } }"""
ADJUST = """mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
    product { inventory { onHand reserved available } } errors { __typename ... on UserError { message path } } } }"""


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


async def walk(shelf: Shelf, sort: str, *, backward: bool = False) -> list[str]:
    """Names of all products, page by page of two."""
    names: list[str] = []
    arguments: dict[str, Any] = {"last": 2} if backward else {"first": 2}
    while True:
        page = (await shelf.client.data(PAGE, {"sort": sort, **arguments}))["products"]
        found = [node["name"] for node in page["nodes"]]
        names = found + names if backward else names + found
        info = page["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return names
        arguments = {"last": 2, "before": info["startCursor"]} if backward else {"first": 2, "after": info["endCursor"]}


async def test_every_order_of_the_list_can_be_walked_in_both_directions(shelf: Shelf) -> None:
    for name, price in [("Fig", "3.00"), ("Apple", "1.00"), ("Cherry", "3.00"), ("Date", "2.00"), ("Banana", "9.00")]:
        await shelf.add(stock=1, name=name, price=usd(price))
    expected = {
        "NEWEST": ["Banana", "Date", "Cherry", "Apple", "Fig"],
        "PRICE_ASC": ["Apple", "Date", "Fig", "Cherry", "Banana"],
        "PRICE_DESC": ["Banana", "Cherry", "Fig", "Date", "Apple"],
        "NAME_ASC": ["Apple", "Banana", "Cherry", "Date", "Fig"],
    }
    assert {sort: await walk(shelf, sort) for sort in expected} == expected
    assert {sort: await walk(shelf, sort, backward=True) for sort in expected} == expected


@pytest.mark.parametrize(
    ("narrowed", "names"),
    [
        ({"query": "strawberry"}, ["Strawberries", "Jam"]),
        ({"query": "strawberry -jam"}, ["Strawberries"]),
        ({"priceMin": usd("2.00"), "priceMax": usd("4.00")}, ["Jam"]),
        ({"inStock": False}, ["Cherries"]),
        ({"ids": ["prod_01h455vb4pex5vsknk084sn02q", "nonsense"]}, []),
        ({"categoryId": "cat_01h455vb4pex5vsknk084sn02q"}, []),
        ({"status": "DRAFT"}, []),
    ],
)
async def test_a_list_is_narrowed_by_words_prices_and_stock(
    shelf: Shelf, narrowed: dict[str, Any], names: list[str]
) -> None:
    await shelf.add(stock=0, name="Cherries", price=usd("5.00"))
    await shelf.add(stock=1, name="Jam", description="of strawberry", price=usd("3.00"))
    await shelf.add(stock=1, name="Strawberries", price=usd("1.50"))
    found = await shelf.client.data(PAGE, {"filter": narrowed, "sort": "NEWEST"})
    assert sorted(node["name"] for node in found["products"]["nodes"]) == sorted(names)


@pytest.mark.parametrize("query", ["-" * 200, "- " * 100, '"unclosed', "a:*&|!()", "' OR 1=1 --", "or or", " "])
async def test_no_words_break_the_search(shelf: Shelf, query: str) -> None:
    await shelf.client.data(PAGE, {"filter": {"query": query}, "sort": "NEWEST"})


@pytest.mark.parametrize("query", ["\0", "a" * 201])
async def test_words_that_cannot_be_searched_for_are_the_callers_mistake(shelf: Shelf, query: str) -> None:
    answer = await shelf.client.execute(PAGE, {"filter": {"query": query}, "sort": "NEWEST"})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_cursor_is_refused_under_another_filter(shelf: Shelf) -> None:
    for _ in range(2):
        await shelf.add(stock=1)
    page = (await shelf.client.data(PAGE, {"first": 1, "sort": "NEWEST"}))["products"]
    moved = {"first": 1, "after": page["pageInfo"]["endCursor"], "sort": "NEWEST", "filter": {"inStock": True}}
    answer = await shelf.client.execute(PAGE, moved)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_CURSOR"]


async def test_a_page_of_products_with_category_and_stock_takes_two_statements(shelf: Shelf) -> None:
    (category,) = await shelf.database.fetch(
        "INSERT INTO category (id, slug, name) VALUES ($1, 'fruit', 'Fruit') RETURNING id", [uuid7()]
    )
    category_id = format_id("cat", category["id"])
    for _ in range(6):
        await shelf.add(stock=1, categoryId=category_id)
    document = "{ products { nodes { name stockStatus price { amount } category { name parent { name } } } } }"
    with record_statements(shelf.database.observer) as statements:
        data = await shelf.client.data(document)
        await asyncio.sleep(0)
    assert [node["category"]["name"] for node in data["products"]["nodes"]] == ["Fruit"] * 6
    assert sum("FROM product" in statement.text for statement in statements) == 1
    assert sum("FROM category" in statement.text for statement in statements) == 1

    document = "{ categories { name products(first: 4) { nodes { name } pageInfo { hasNextPage } } } }"
    with record_statements(shelf.database.observer) as statements:
        data = await shelf.client.data(document)
        await asyncio.sleep(0)
    assert len(data["categories"][0]["products"]["nodes"]) == 4
    assert data["categories"][0]["products"]["pageInfo"]["hasNextPage"] is True
    assert sum("FROM product" in statement.text for statement in statements) == 1


async def test_references_by_id_and_by_sku_share_the_batch_and_keep_their_order(shelf: Shelf) -> None:
    first, second = await shelf.add(stock=1, sku="ONE"), await shelf.add(stock=1, sku="TWO")
    given = [
        {"__typename": "Product", "sku": "TWO"},
        {"__typename": "Product", "id": "prod_01h455vb4pex5vsknk084sn02q"},
        {"__typename": "Product", "id": format_id(PRODUCT_PREFIX, first)},
        {"__typename": "Product", "id": format_id(PRODUCT_PREFIX, second)},
    ]
    found = await shelf.client.entities("... on Product { sku }", given)
    assert found == [{"sku": "TWO"}, None, {"sku": "ONE"}, {"sku": "TWO"}]


async def test_drafts_are_hidden_from_customers_everywhere_and_archived_ones_stay_in_old_orders(shelf: Shelf) -> None:
    draft, archived = await shelf.add(stock=1), await shelf.add(stock=1)
    await shelf.database.fetch("UPDATE product SET status = 'DRAFT' WHERE id = $1", [draft])
    await shelf.database.fetch("UPDATE product SET status = 'ARCHIVED' WHERE id = $1", [archived])
    ids = [format_id(PRODUCT_PREFIX, product_id) for product_id in (draft, archived)]
    given = [{"__typename": "Product", "id": product_id} for product_id in ids]
    for caller, direct, referred in [(customer(), [False, False], [False, True]), (STAFF, [True, True], [True, True])]:
        document = "query($id: ID!) { product(id: $id) { id } }"
        seen = [(await shelf.client.data(document, {"id": product_id}, caller))["product"] for product_id in ids]
        assert [product is not None for product in seen] == direct
        entities = await shelf.client.entities("... on Product { id }", given, caller)
        assert [entity is not None for entity in entities] == referred


async def test_inventory_is_for_staff_and_writing_for_the_catalogue_manager(shelf: Shelf) -> None:
    product_id = format_id(PRODUCT_PREFIX, await shelf.add(stock=1))
    document = "query($id: ID!) { product(id: $id) { inventory { onHand } } }"
    answer = await shelf.client.execute(document, {"id": product_id}, customer())
    assert answer["data"] == {"product": {"inventory": None}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    support = as_user(new_id("usr"), Role.SUPPORT)
    assert (await shelf.client.data(document, {"id": product_id}, support))["product"]["inventory"] == {"onHand": 1}
    given = {"name": "X", "price": usd("1.00")}
    for caller in (customer(), support):
        answer = await shelf.client.execute(CREATE, {"input": given}, caller)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_creating_twice_under_one_key_makes_one_product(shelf: Shelf) -> None:
    given = {"name": "Gooseberries", "price": usd("2.50"), "sku": "goose-1", "inventory": 7, "idempotencyKey": "k1"}
    answers = await asyncio.gather(*(shelf.client.data(CREATE, {"input": given}, STAFF) for _ in range(5)))
    payloads = [answer["productCreate"] for answer in answers]
    assert payloads == [payloads[0]] * 5
    assert payloads[0]["product"]["sku"] == "GOOSE-1"
    assert payloads[0]["product"]["inventory"] == {"onHand": 7}
    again = (await shelf.client.data(CREATE, {"input": {**given, "name": "Other"}}, STAFF))["productCreate"]
    assert [error["__typename"] for error in again["errors"]] == ["IdempotencyConflictError"]
    assert await shelf.database.fetch("SELECT count(*) AS n FROM product") == [{"n": 1}]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"sku": "TAKEN"}, "DuplicateSkuError"),
        ({"name": "  "}, "InvalidInputError"),
        ({"price": usd("1.001")}, "InvalidInputError"),
        ({"price": usd("-1.00")}, "InvalidInputError"),
        ({"price": usd("9" * 16)}, "InvalidInputError"),
        ({"inventory": -1}, "InvalidInputError"),
        ({"weightGrams": 2**31 - 1}, "InvalidInputError"),
        ({"categoryId": "cat_01h455vb4pex5vsknk084sn02q"}, "NotFoundError"),
    ],
)
async def test_a_refused_creation_changes_nothing_even_when_repeated(
    shelf: Shelf, wrong: dict[str, Any], error: str
) -> None:
    await shelf.add(stock=1, sku="TAKEN")
    given = {"name": "Plums", "price": usd("1.00"), "idempotencyKey": new_id("key"), **wrong}
    for _ in range(2):
        payload = (await shelf.client.data(CREATE, {"input": given}, STAFF))["productCreate"]
        assert payload["product"] is None
        assert [found["__typename"] for found in payload["errors"]] == [error]
    assert await shelf.database.fetch("SELECT count(*) AS n FROM product") == [{"n": 1}]
    await shelf.check_laws()


async def test_of_two_editors_of_one_version_the_second_is_told(shelf: Shelf) -> None:
    product_id = format_id(PRODUCT_PREFIX, await shelf.add(stock=1))
    edits = [{"id": product_id, "name": name, "expectedVersion": 1} for name in ("First", "Second")]
    payloads = [(await shelf.client.data(UPDATE, {"input": edit}, STAFF))["productUpdate"] for edit in edits]
    assert payloads[0]["product"]["name"] == "First"
    assert payloads[1]["errors"][0]["__typename"] == "StaleVersionError"
    assert payloads[1]["errors"][0]["currentVersion"] == 2


async def test_a_published_product_never_becomes_a_draft_again(shelf: Shelf) -> None:
    product_id = format_id(PRODUCT_PREFIX, await shelf.add(stock=1))
    payload = await shelf.client.data(UPDATE, {"input": {"id": product_id, "status": "DRAFT"}}, STAFF)
    assert [error["__typename"] for error in payload["productUpdate"]["errors"]] == ["InvalidInputError"]


async def test_reserved_units_cannot_be_adjusted_away(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=5)
    await shelf.reserve(uuid7(), {product_id: 3})

    async def adjust(delta: int, reason: str) -> dict[str, Any]:
        given = {"productId": format_id(PRODUCT_PREFIX, product_id), "delta": delta, "reason": reason}
        given["idempotencyKey"] = new_id("key")
        payload: dict[str, Any] = (await shelf.client.data(ADJUST, {"input": given}, STAFF))["inventoryAdjust"]
        return payload

    assert (await adjust(-3, "DAMAGED"))["errors"][0]["message"] == "Only 2 units are free to be taken out."
    assert (await adjust(3, "DAMAGED"))["errors"][0]["__typename"] == "InvalidInputError"
    adjusted = await adjust(-2, "DAMAGED")
    assert adjusted["product"]["inventory"] == {"onHand": 3, "reserved": 3, "available": 0}
    await shelf.check_laws()


async def test_a_watcher_is_told_when_a_product_runs_low_and_out(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=7)
    document = "subscription($ids: [ID!]!) { stockStatusChanged(productIds: $ids) { stockStatus } }"
    variables = {"ids": [format_id(PRODUCT_PREFIX, product_id)]}
    async with shelf.client.subscribe(document, variables) as payloads:
        await eventually(lambda: shelf.service.feeds[STOCK_STATUS_CHANGED].listener_count == 1)
        await shelf.reserve(uuid7(), {product_id: 1})
        await shelf.reserve(uuid7(), {product_id: 1})
        assert await anext(payloads) == {"data": {"stockStatusChanged": {"stockStatus": "LOW_STOCK"}}}
        await shelf.reserve(uuid7(), {product_id: 5})
        assert await anext(payloads) == {"data": {"stockStatusChanged": {"stockStatus": "OUT_OF_STOCK"}}}

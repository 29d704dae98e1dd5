"""Stock as staff keeps it: adjustments, goods that come back, thresholds, and the book of movements."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tortoise.exceptions import IntegrityError

from common.ids import format_id, new_id, uuid7
from common.subgraph.database import fetch
from common.subgraph.statements import record_statements
from subgraphs.products.domain.reservations import RefusalCode, ReservationRefusal, WantedLine
from subgraphs.products.domain.words import ORDER_PREFIX, PRODUCT_PREFIX
from subgraphs.products.service.rush import Outcome, Rush
from tests.integration.products.shelf import Shelf
from tests.kit.commerce import STAFF

pytestmark = pytest.mark.anyio

ADJUST = """mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
    product { inventory { onHand } } errors { __typename ... on UserError { path } } } }"""
THRESHOLD = """mutation($input: InventoryThresholdSetInput!) { inventoryThresholdSet(input: $input) {
    product { stockStatus inventory { lowStockThreshold } } errors { __typename ... on UserError { path } } } }"""
BOOK = """query($after: String) { products { nodes { sku inventory { movements(first: 2, after: $after) {
    nodes { reason delta orderId actor } pageInfo { endCursor hasNextPage } } } } } }"""


async def adjust(shelf: Shelf, product_id: UUID, delta: int, reason: str, **more: Any) -> dict[str, Any]:
    """The whole answer."""
    given = {"productId": format_id(PRODUCT_PREFIX, product_id), "delta": delta, "reason": reason}
    return await shelf.client.execute(ADJUST, {"input": {"idempotencyKey": new_id("key"), **given, **more}}, STAFF)


async def statuses(shelf: Shelf) -> list[str]:
    told = await shelf.database.fetch("SELECT payload ->> 'status' AS status FROM outbox ORDER BY seq")
    return [row["status"] for row in told]


async def test_an_adjustment_sent_again_moves_nothing_and_says_so(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=3)
    answers = await asyncio.gather(
        *(adjust(shelf, product_id, 4, "RECEIVED", idempotencyKey="delivery-1") for _ in range(6))
    )
    assert [answer["data"]["inventoryAdjust"]["errors"] for answer in answers] == [[]] * 6
    assert sorted("extensions" in answer for answer in answers) == [False] + [True] * 5
    assert all(answer["extensions"] == {"idempotentReplay": True} for answer in answers if "extensions" in answer)
    conflict = await adjust(shelf, product_id, 5, "RECEIVED", idempotencyKey="delivery-1")
    assert [error["__typename"] for error in conflict["data"]["inventoryAdjust"]["errors"]] == [
        "IdempotencyConflictError"
    ]
    assert await shelf.stock(product_id) == (7, 0)
    await shelf.check_laws()


async def test_no_more_comes_back_of_an_order_than_was_shipped_for_it(shelf: Shelf) -> None:
    product_id, order_id = await shelf.add(stock=5), uuid7()
    await shelf.reserve(order_id, {product_id: 3})
    await shelf.reservations.commit(order_id)
    async with shelf.database.transaction() as connection:
        await shelf.reservations.ship(connection, order_id, [(product_id, 2)])
    order = format_id(ORDER_PREFIX, order_id)
    answers = await asyncio.gather(*(adjust(shelf, product_id, 1, "RETURNED", orderId=order) for _ in range(5)))
    refused = [answer["data"]["inventoryAdjust"]["errors"] for answer in answers]
    assert sorted(refused, key=len) == [[], []] + [[{"__typename": "InvalidInputError", "path": ["delta"]}]] * 3
    for given in ({"orderId": format_id(ORDER_PREFIX, uuid7())}, {"orderId": order, "reason": "RECEIVED"}):
        answer = await adjust(shelf, product_id, 1, **{"reason": "RETURNED", **given})
        assert [error["__typename"] for error in answer["data"]["inventoryAdjust"]["errors"]] == ["InvalidInputError"]
    assert await shelf.stock(product_id) == (5, 1)
    await shelf.check_laws()


async def test_the_book_of_movements_is_read_by_page_for_many_products_at_once(shelf: Shelf) -> None:
    first, order_id = await shelf.add(stock=9, sku="ONE"), uuid7()
    await shelf.add(stock=2, sku="TWO")
    await adjust(shelf, first, -1, "DAMAGED")
    await shelf.reserve(order_id, {first: 2})
    await shelf.reservations.commit(order_id)
    async with shelf.database.transaction() as connection:
        await shelf.reservations.ship(connection, order_id, [(first, 2)])
    with record_statements(shelf.database.observer) as statements:
        data = await shelf.client.data(BOOK, {}, STAFF)
        await asyncio.sleep(0)
    assert sum("FROM product p" in statement.text for statement in statements) == 1
    assert sum("FROM stock_movement" in statement.text for statement in statements) == 1
    two, one = [node["inventory"]["movements"] for node in data["products"]["nodes"]]
    staff = STAFF.subject
    assert two["nodes"] == [{"reason": "INITIAL", "delta": 2, "orderId": None, "actor": staff}]
    shipped = {"reason": "SHIPPED", "delta": -2, "orderId": format_id(ORDER_PREFIX, order_id), "actor": "system:orders"}
    assert one["nodes"] == [shipped, {"reason": "DAMAGED", "delta": -1, "orderId": None, "actor": staff}]
    assert (one["pageInfo"]["hasNextPage"], two["pageInfo"]["hasNextPage"]) == (True, False)
    rest = await shelf.client.data(BOOK, {"after": one["pageInfo"]["endCursor"]}, STAFF)
    found = [node["inventory"]["movements"]["nodes"] for node in rest["products"]["nodes"] if node["sku"] == "ONE"]
    assert [movement["delta"] for movement in found[0]] == [9]


async def test_a_new_threshold_is_told_where_it_changes_what_everybody_sees(shelf: Shelf) -> None:
    product_id = format_id(PRODUCT_PREFIX, await shelf.add(stock=7))

    async def set_threshold(units: int) -> dict[str, Any]:
        given = {"productId": product_id, "lowStockThreshold": units}
        payload: dict[str, Any] = (await shelf.client.data(THRESHOLD, {"input": given}, STAFF))["inventoryThresholdSet"]
        return payload

    for units, status in [(6, "IN_STOCK"), (7, "LOW_STOCK"), (100, "LOW_STOCK"), (0, "IN_STOCK")]:
        product = (await set_threshold(units))["product"]
        assert product == {"stockStatus": status, "inventory": {"lowStockThreshold": units}}
    assert await statuses(shelf) == ["LOW_STOCK", "IN_STOCK"]
    refused = {"__typename": "InvalidInputError", "path": ["lowStockThreshold"]}
    assert (await set_threshold(-1))["errors"] == [refused]


async def test_every_way_of_moving_stock_tells_of_the_status_it_leads_to(shelf: Shelf) -> None:
    product_id, order_id = await shelf.add(stock=6), uuid7()
    await adjust(shelf, product_id, -1, "DAMAGED")
    await shelf.reserve(order_id, {product_id: 5})
    await shelf.reservations.release(order_id)
    await adjust(shelf, product_id, 5, "RECEIVED")
    assert await statuses(shelf) == ["LOW_STOCK", "OUT_OF_STOCK", "LOW_STOCK", "IN_STOCK"]


async def test_who_comes_after_the_last_unit_does_not_even_wait_for_the_row(shelf: Shelf) -> None:
    product_id, is_locked = await shelf.add(stock=1), asyncio.Event()
    await shelf.reserve(uuid7(), {product_id: 1})

    async def come_late() -> list[Outcome]:
        await is_locked.wait()
        rush, line = Rush(shelf.reservations), WantedLine(product_id, 1)
        crowd = await asyncio.gather(*(rush.reserve(uuid7(), [line], "USD", 900) for _ in range(9)))
        return [await shelf.reserve(uuid7(), {product_id: 1}), *crowd]

    # begun before the transaction, so that it is not part of it
    late = asyncio.create_task(come_late())
    async with shelf.database.transaction() as connection:
        await fetch(connection, "SELECT 1 FROM stock WHERE product_id = $1 FOR UPDATE", [product_id])
        is_locked.set()
        async with asyncio.timeout(60):
            outcomes = await late
    codes = {outcome.code for outcome in outcomes if isinstance(outcome, ReservationRefusal)}
    assert (len(outcomes), codes) == (10, {RefusalCode.INSUFFICIENT_STOCK})


@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        ("reservation_returned", "UPDATE reservation SET returned = shipped + 1"),
        ("stock_movement_direction", "UPDATE stock_movement SET delta = -1"),
        ("stock_movement_direction", "UPDATE stock_movement SET reason = 'GIFT'"),
    ],
)
async def test_the_database_itself_refuses_stock_from_nowhere(shelf: Shelf, constraint: str, sql: str) -> None:
    product_id = await shelf.add(stock=1)
    await shelf.reserve(uuid7(), {product_id: 1})
    with pytest.raises(IntegrityError, match=constraint):
        await rewrite(shelf, sql)


async def rewrite(shelf: Shelf, sql: str) -> None:
    """What is in the book cannot be rewritten at all; here is looked whether it could have been written so."""
    async with shelf.database.transaction() as connection:
        await fetch(connection, "ALTER TABLE stock_movement DISABLE TRIGGER stock_movement_append_only")
        await fetch(connection, sql)

"""What happens to orders after they were placed: expiry, cancellation, payments in the wrong moment, fulfilment."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from common.auth import Principal
from common.ids import new_id, parse_id
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.service.saga import DueStep
from subgraphs.orders.service.store import Step
from subgraphs.users.domain import Role
from tests.kit.commerce import STAFF, Commerce, customer, database_of, eventually
from tests.kit.subgraph import as_user

pytestmark = pytest.mark.anyio

SUPPORT = as_user("usr_01h455vb4pex5vsknk084sn03r", Role.SUPPORT)
CANCEL = """mutation($id: ID!, $reason: CancelReason!, $key: String) {
    orderCancel(id: $id, reason: $reason, idempotencyKey: $key) {
        order { status cancelReason version }
        errors { __typename ... on UserError { message } ... on IllegalTransitionError { from allowed } } } }"""
SHIP = """mutation($input: FulfillmentCreateInput!) { fulfillmentCreate(input: $input) {
    order { status fulfillmentStatus fulfillments { id carrier lines { orderLineId quantity } } }
    errors { __typename ... on UserError { message } ... on IllegalTransitionError { from } } } }"""
DELIVER = """mutation($id: ID!) { fulfillmentDeliver(id: $id) {
    order { status fulfillmentStatus allowedTransitions } errors { __typename } } }"""


async def expire(shop: Commerce, order_id: str) -> None:
    """Makes the end of the reservation come now."""
    update = "UPDATE saga SET next_at = now() WHERE order_id = $1 AND step = 'AWAIT_PAYMENT'"
    await database_of(shop.orders).fetch(update, [parse_id("ord", order_id)])


async def cancel(shop: Commerce, caller: Any, order_id: str, reason: str, key: str | None = None) -> dict[str, Any]:
    given = {"id": order_id, "reason": reason, "key": key}
    payload: dict[str, Any] = (await shop.orders.data(CANCEL, given, caller))["orderCancel"]
    return payload


async def confirmed(shop: Commerce, buyer: Any, product_id: str, quantity: int = 1) -> dict[str, Any]:
    order = await shop.placed(buyer, product_id, quantity)
    await shop.pay(buyer, order["id"])
    await eventually(lambda: shop.status(order["id"]), "CONFIRMED")
    return order


async def test_an_order_that_is_not_paid_in_time_is_cancelled_and_its_stock_given_back(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await shop.placed(buyer, product_id, 2)
    await expire(shop, order["id"])
    await eventually(lambda: shop.status(order["id"]), "CANCELLED")
    await eventually(lambda: shop.inventory(product_id), (5, 0))
    refused = await shop.pay(buyer, order["id"])
    assert [error["__typename"] for error in refused["errors"]] == ["OrderNotPayableError"]
    assert await shop.payment_statuses(order["id"]) == []


async def test_paying_at_the_moment_of_expiry_ends_confirmed_and_captured_or_cancelled_and_uncharged(
    shop: Commerce,
) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=100)
    orders = [await shop.placed(buyer, product_id) for _ in range(24)]

    async def race(number: int, order_id: str) -> None:
        async def pay() -> None:
            await asyncio.sleep(0.01 * (number % 3))
            await shop.pay(buyer, order_id)

        async def end() -> None:
            await asyncio.sleep(0.01 * (number % 5))
            await expire(shop, order_id)

        await asyncio.gather(pay(), end())

    await asyncio.gather(*(race(number, order["id"]) for number, order in enumerate(orders)))

    async def outcomes() -> set[tuple[str, tuple[str, ...]]]:
        return {(await shop.status(order["id"]), tuple(await shop.payment_statuses(order["id"]))) for order in orders}

    allowed = {("CONFIRMED", ("CAPTURED",)), ("CANCELLED", ("VOIDED",)), ("CANCELLED", ())}

    async def has_settled() -> bool:
        return await outcomes() <= allowed

    await eventually(has_settled, True)
    counted = [await shop.status(order["id"]) for order in orders].count("CONFIRMED")
    await eventually(lambda: shop.inventory(product_id), (100, counted))


async def test_a_reservation_lost_before_the_payment_is_heard_of_is_made_anew(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await shop.placed(buyer, product_id, 2)
    await database_of(shop.products).fetch("UPDATE reservation SET expires_at = now() - interval '1 minute'")
    await shop.products.app.state.runtime.service().reservations.sweep()
    await eventually(lambda: shop.inventory(product_id), (5, 0))
    await shop.pay(buyer, order["id"])
    await eventually(lambda: shop.status(order["id"]), "CONFIRMED")
    assert await shop.inventory(product_id) == (5, 2)


async def test_a_paid_order_whose_goods_are_gone_is_cancelled_and_the_money_not_taken(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=2)
    order = await shop.placed(buyer, product_id, 2)
    await database_of(shop.products).fetch("UPDATE reservation SET expires_at = now() - interval '1 minute'")
    await shop.products.app.state.runtime.service().reservations.sweep()
    await shop.placed(customer(), product_id, 1)
    await shop.pay(buyer, order["id"])
    await eventually(lambda: shop.status(order["id"]), "CANCELLED")
    await eventually(lambda: shop.payment_statuses(order["id"]), ["VOIDED"])
    assert await shop.inventory(product_id) == (2, 1)


@pytest.mark.parametrize("step", [Step.RESERVE, Step.COMMIT])
async def test_a_worker_that_was_taken_for_dead_gives_nothing_back_of_what_another_one_has_sold(
    shop: Commerce, step: Step
) -> None:
    product_id = await shop.add_product(stock=5)
    order_id = parse_id("ord", (await shop.placed(customer(), product_id, 2))["id"])
    saga = shop.orders.app.state.runtime.service().due_steps.saga
    # as it was when the slow one took its lease: one version before the other one's step
    before = {
        Step.RESERVE: {"status": OrderStatus.PENDING, "version": 1},
        Step.COMMIT: {"status": OrderStatus.AWAITING_PAYMENT, "version": 1},
    }
    seen = replace(await saga.moving.load(order_id), **before[step])
    await saga.take(DueStep(seen, step, 1, None, None))
    assert await shop.inventory(product_id) == (5, 2)


async def test_what_a_cancelled_order_held_is_given_back_when_nobody_can_be_taking_it_any_more(shop: Commerce) -> None:
    product_id = await shop.add_product(stock=5)
    order = await shop.placed(customer(), product_id, 2)
    orders = database_of(shop.orders)
    # a worker is at it, and may ask for the goods at any moment until its lease ends
    await orders.fetch("UPDATE saga SET step = 'COMMIT', next_at = '2100-01-01 00:00Z', attempts = 1")
    assert (await cancel(shop, STAFF, order["id"], "STAFF"))["errors"] == []
    owed = await orders.fetch("SELECT step, next_at = '2100-01-01 00:00Z' AS is_leased FROM saga")
    assert owed == [{"step": "RELEASE", "is_leased": True}]
    await orders.fetch("UPDATE saga SET next_at = now()")
    await eventually(lambda: shop.inventory(product_id), (5, 0))


async def test_a_buyer_cancels_before_paying_once(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await shop.placed(buyer, product_id, 2)
    key = new_id("key")
    answers = [await cancel(shop, buyer, order["id"], "CUSTOMER", key) for _ in range(2)]
    cancelled = {"order": {"status": "CANCELLED", "cancelReason": "CUSTOMER", "version": 3}, "errors": []}
    assert answers == [cancelled, cancelled]
    await eventually(lambda: shop.inventory(product_id), (5, 0))
    again = await cancel(shop, buyer, order["id"], "CUSTOMER")
    assert again["order"] is None
    refusals = [(error["__typename"], error["from"]) for error in again["errors"]]
    assert refusals == [("IllegalTransitionError", "CANCELLED")]


async def test_a_paid_order_is_cancelled_by_staff_only_and_refunded_in_full(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await confirmed(shop, buyer, product_id, 2)
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    refused = await cancel(shop, buyer, order["id"], "CUSTOMER")
    assert [error["__typename"] for error in refused["errors"]] == ["IllegalTransitionError"]
    assert (await cancel(shop, buyer, order["id"], "STAFF"))["errors"][0]["__typename"] == "InvalidInputError"
    assert (await cancel(shop, STAFF, order["id"], "STAFF"))["errors"] == []
    await eventually(lambda: shop.payment_statuses(order["id"]), ["REFUNDED"])
    await eventually(lambda: shop.inventory(product_id), (5, 0))


async def test_who_may_cancel_is_told_so_before_and_others_what_to_do_instead(shop: Commerce) -> None:
    buyer = customer()
    order = await confirmed(shop, buyer, await shop.add_product(stock=5))
    document = "query($id: ID!) { order(id: $id) { allowedTransitions } }"

    async def offered(caller: Principal) -> list[str]:
        allowed: list[str] = (await shop.orders.data(document, {"id": order["id"]}, caller))["order"][
            "allowedTransitions"
        ]
        return allowed

    async def refusal(caller: Principal) -> str:
        (error,) = (await cancel(shop, caller, order["id"], "STAFF" if caller is STAFF else "CUSTOMER"))["errors"]
        message: str = error["message"]
        return message

    assert (await offered(buyer), await offered(STAFF)) == (["COMPLETED"], ["COMPLETED", "CANCELLED"])
    assert "staff only" in await refusal(buyer)
    given = {"orderId": order["id"], "lines": [{"orderLineId": order["lines"][0]["id"], "quantity": 1}]}
    shipped = {"input": {**given, "idempotencyKey": new_id("key")}}
    assert (await shop.orders.data(SHIP, shipped, SUPPORT))["fulfillmentCreate"]["errors"] == []
    assert await offered(STAFF) == ["COMPLETED"]
    assert "can refund it" in await refusal(STAFF)


async def test_goods_leave_in_parts_and_the_last_delivery_completes_the_order(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=9)
    order = await confirmed(shop, buyer, product_id, 3)
    line_id = order["lines"][0]["id"]

    async def ship(quantity: int) -> dict[str, Any]:
        lines = [{"orderLineId": line_id, "quantity": quantity}]
        given = {"orderId": order["id"], "lines": lines, "carrier": "Post", "idempotencyKey": new_id("key")}
        payload: dict[str, Any] = (await shop.orders.data(SHIP, {"input": given}, SUPPORT))["fulfillmentCreate"]
        return payload

    first = await ship(1)
    assert first["errors"] == []
    assert first["order"]["fulfillmentStatus"] == "PARTIAL"
    assert (await ship(3))["errors"][0]["message"] == "2 units of this line are left to ship."
    refused = await cancel(shop, STAFF, order["id"], "STAFF")
    assert [error["__typename"] for error in refused["errors"]] == ["IllegalTransitionError"]
    both = (await ship(2))["order"]
    assert both["fulfillmentStatus"] == "SHIPPED"
    assert [shipment["lines"][0]["quantity"] for shipment in both["fulfillments"]] == [1, 2]
    await eventually(lambda: shop.inventory(product_id), (6, 0))
    states = []
    for shipment in both["fulfillments"]:
        payload = (await shop.orders.data(DELIVER, {"id": shipment["id"]}, SUPPORT))["fulfillmentDeliver"]
        states.append((payload["order"]["status"], payload["order"]["fulfillmentStatus"]))
    assert states == [("CONFIRMED", "SHIPPED"), ("COMPLETED", "DELIVERED")]


async def test_a_confirmation_belongs_to_the_trace_and_the_chain_of_causes_of_its_payment(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await confirmed(shop, buyer, product_id)
    cause = "SELECT event_id, metadata FROM outbox WHERE type = 'payments.payment.authorized'"
    ((payment_event, paid),) = [
        (row["event_id"], orjson.loads(row["metadata"])) for row in await database_of(shop.payments).fetch(cause)
    ]
    answer = "SELECT metadata FROM outbox WHERE type = 'orders.order.confirmed'"
    (told,) = [orjson.loads(row["metadata"]) for row in await database_of(shop.orders).fetch(answer)]
    assert (told["causation_id"], told["correlation_id"]) == (str(payment_event), paid["correlation_id"])
    assert told["trace_id"] == paid["trace_id"] != ""
    document = "query($id: ID!) { order(id: $id) { history { to correlationId traceId } } }"
    history = (await shop.orders.data(document, {"id": order["id"]}, STAFF))["order"]["history"]
    assert history[-1] == {"to": "CONFIRMED", "correlationId": paid["correlation_id"], "traceId": paid["trace_id"]}


async def test_every_parcel_tells_when_it_leaves_and_when_it_arrives(shop: Commerce) -> None:
    order = await confirmed(shop, customer(), await shop.add_product(stock=5), 2)
    line_id = order["lines"][0]["id"]
    answers = []
    for _ in range(2):
        lines = [{"orderLineId": line_id, "quantity": 1}]
        given = {"orderId": order["id"], "lines": lines, "carrier": "Post", "idempotencyKey": new_id("key")}
        answers.append((await shop.orders.data(SHIP, {"input": given}, SUPPORT))["fulfillmentCreate"])
    for parcel in answers[-1]["order"]["fulfillments"]:
        for _ in range(2):  # heard twice, delivered once
            await shop.orders.data(DELIVER, {"id": parcel["id"]}, SUPPORT)
    told = await database_of(shop.orders).fetch(
        """SELECT substring(type from 14) AS what, aggregate_version AS version,
               payload ->> 'fulfillment_status' AS axis FROM outbox WHERE type LIKE 'orders.order.%' ORDER BY seq"""
    )
    assert [tuple(row.values()) for row in told] == [
        ("placed", 1, None),
        ("awaiting_payment", 2, None),
        ("confirmed", 3, None),
        ("shipped", 4, "PARTIAL"),
        ("shipped", 5, "SHIPPED"),
        ("delivered", 6, "SHIPPED"),
        ("delivered", 7, "DELIVERED"),
        ("completed", 8, None),
    ]


async def test_an_order_that_is_not_paid_is_not_shipped(shop: Commerce) -> None:
    order = await shop.placed(customer(), await shop.add_product(stock=5))
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1}]
    given = {"orderId": order["id"], "lines": lines, "idempotencyKey": new_id("key")}
    payload = (await shop.orders.data(SHIP, {"input": given}, SUPPORT))["fulfillmentCreate"]
    assert payload["order"] is None
    assert [(error["__typename"], error["from"]) for error in payload["errors"]] == [
        ("IllegalTransitionError", "AWAITING_PAYMENT")
    ]


async def test_a_watcher_sees_the_order_as_it_is_and_then_every_status_and_no_stranger_does(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await shop.placed(buyer, product_id)
    document = "subscription($id: ID!) { orderStatusChanged(orderId: $id) { status version } }"
    async with shop.orders.subscribe(document, {"id": order["id"]}, customer()) as payloads:
        assert [payload async for payload in payloads] == []
    async with shop.orders.subscribe(document, {"id": order["id"]}, buyer) as payloads:
        seen = [(await anext(payloads))["data"]["orderStatusChanged"]]
        await shop.pay(buyer, order["id"])
        seen.append((await anext(payloads))["data"]["orderStatusChanged"])
    assert seen == [{"status": "AWAITING_PAYMENT", "version": 2}, {"status": "CONFIRMED", "version": 3}]

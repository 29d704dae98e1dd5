"""A customer's way through the shop: register, log in, browse, order, pay, be told. In both topologies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kit.shop_client import ShopClient, ShopError, customer
from tests.kit.started_shop import StartedShop

pytestmark = pytest.mark.anyio

ACCOUNT = """query {
  me {
    name email
    orders(first: 10) {
      nodes {
        number status customer { name } total { amount currency }
        lines { quantity nameSnapshot product { name } total { amount } }
        payments { status amount { amount currency } }
        paymentStatus
      }
    }
    notifications(first: 10) { nodes { title channel status order { number } } }
  }
}"""


@pytest.fixture
async def jo(shop: StartedShop) -> AsyncIterator[ShopClient]:
    """A customer with an account of her own, logged in."""
    async with customer(shop.url) as client:
        await client.register_and_log_in()
        yield client


async def eventually(client: ShopClient, query: str, holds: Any) -> Any:
    """The query's data once `holds(data)`; the last data seen after a minute, for the assertion to show."""
    data: Any = None
    for _ in range(1200):
        data = await client.ask(query)
        if holds(data):
            break
        await asyncio.sleep(0.05)
    return data


async def test_from_registration_to_a_confirmed_order_and_a_message_about_it(jo: ShopClient) -> None:
    first, second = await jo.products(2)
    placed = await jo.place({first["id"]: 2, second["id"]: 1})
    order = placed["order"]
    assert (placed["errors"], order["status"]) == ([], "AWAITING_PAYMENT")

    async with jo.statuses(order["id"]) as statuses:
        assert await anext(statuses) == "AWAITING_PAYMENT"  # as it is when the subscription begins
        paid = await jo.pay(order["id"])
        assert paid["errors"] == []
        assert await anext(statuses) == "CONFIRMED"

    data = await eventually(jo, ACCOUNT, is_finished)
    me = data["me"]
    (shown,) = me["orders"]["nodes"]
    assert shown == {
        "number": order["number"],
        "status": "CONFIRMED",
        "customer": {"name": "Journey Jo"},
        "total": order["total"],
        "lines": shown["lines"],
        "payments": [{"status": "CAPTURED", "amount": order["total"]}],
        "paymentStatus": "PAID",
    }
    assert [(line["quantity"], line["product"]["name"]) for line in shown["lines"]] == [
        (2, first["name"]),
        (1, second["name"]),
    ]
    told = {(note["channel"], note["order"] and note["order"]["number"]) for note in me["notifications"]["nodes"]}
    assert ("EMAIL", order["number"]) in told or ("EMAIL", None) in told
    assert me["email"] == jo.email


def is_finished(data: Any) -> bool:
    (order,) = data["me"]["orders"]["nodes"]
    return order["paymentStatus"] == "PAID" and bool(data["me"]["notifications"]["nodes"])


async def test_the_same_idempotency_key_gives_the_same_order_and_reserves_once(jo: ShopClient) -> None:
    (product,) = await jo.products(1)

    async def place() -> dict[str, Any]:
        """Repeats what it is told to repeat: the first of the five may take its time."""
        while True:
            try:
                return await jo.place({product["id"]: 1}, key="once")
            except ShopError as error:
                if not error.is_retryable:
                    raise

    orders = await asyncio.gather(*(place() for _ in range(5)))
    assert len({payload["order"]["id"] for payload in orders if payload["order"]}) == 1
    other = await jo.place({product["id"]: 2}, key="once")
    assert (other["order"], [error["__typename"] for error in other["errors"]]) == (None, ["IdempotencyConflictError"])


async def test_a_declined_card_leaves_the_order_waiting_for_another_one(jo: ShopClient) -> None:
    (product,) = await jo.products(1)
    order = (await jo.place({product["id"]: 1}))["order"]
    declined = await jo.pay(order["id"], method="tok_declined")
    assert [error["__typename"] for error in declined["errors"]] == ["PaymentDeclinedError"]
    assert await jo.order_status(order["id"]) == "AWAITING_PAYMENT"
    assert (await jo.pay(order["id"]))["errors"] == []
    await jo.wait_for_status(order["id"], "CONFIRMED")


async def test_nobody_sees_the_order_of_somebody_else(shop: StartedShop, jo: ShopClient) -> None:
    (product,) = await jo.products(1)
    order = (await jo.place({product["id"]: 1}))["order"]
    async with customer(shop.url) as stranger:
        await stranger.register_and_log_in()
        assert (await stranger.ask("query($id: ID!) { order(id: $id) { number } }", {"id": order["id"]}))[
            "order"
        ] is None
        refused = await stranger.pay(order["id"])
        assert refused["payment"] is None

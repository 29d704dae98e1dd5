"""A customer whom users has suspended is refused by orders too, and what they had subscribed to ends."""

from dataclasses import replace

import pytest

from common.clock import SystemClock
from common.events import Bus, new_event
from tests.kit.commerce import STAFF, Commerce, customer, eventually

pytestmark = pytest.mark.anyio

CHANGED = "subscription($id: ID!) { orderStatusChanged(orderId: $id) { status } }"
STATUS = "query($id: ID!) { order(id: $id) { status } }"


async def test_tokens_and_subscriptions_of_who_is_suspended_end(shop: Commerce, nats_url: str) -> None:
    buyer = replace(customer(), account_version=1)
    order_id = (await shop.placed(buyer, await shop.add_product(stock=1)))["id"]
    bus = await Bus.connect(nats_url, name="in place of users")

    async def code() -> str:
        errors = (await shop.orders.execute(STATUS, {"id": order_id}, buyer)).get("errors")
        return str(errors[0]["extensions"]["code"]) if errors else ""

    async with shop.orders.subscribe(CHANGED, {"id": order_id}, buyer) as payloads:
        assert await anext(payloads) == {"data": {"orderStatusChanged": {"status": "AWAITING_PAYMENT"}}}
        suspended = new_event(
            "users.user.suspended",
            aggregate_id=str(buyer.subject),
            aggregate_version=2,
            payload={"user_id": buyer.subject},
            source="users",
            clock=SystemClock(),
        )
        await bus.publish(suspended)
        await eventually(code, "UNAUTHENTICATED")
        cancel = "mutation($id: ID!) { orderCancel(id: $id, reason: STAFF) { errors { __typename } } }"
        assert (await shop.orders.data(cancel, {"id": order_id}, STAFF))["orderCancel"]["errors"] == []
        told = [payload async for payload in payloads]
    await bus.close()

    assert [payload["data"] for payload in told] == [None]
    assert told[0]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"

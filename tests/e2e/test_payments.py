"""Money that takes its time, and customers who are asked: what the provider tells reaches the shop, both topologies."""

from __future__ import annotations

import pytest

from tests.kit.shop_client import customer
from tests.kit.started_shop import StartedShop

pytestmark = pytest.mark.anyio

ACTION = """mutation($input: PaymentCreateInput!) { paymentCreate(input: $input) {
  payment { id status nextAction { redirectUrl } } errors { __typename } } }"""
DUE = "query($id: ID!) { order(id: $id) { balanceDue { amount currency } } }"
CANCEL = """mutation($id: ID!) { orderCancel(id: $id, reason: CUSTOMER) {
  order { balanceDue { amount currency } } } }"""


async def test_a_bank_transfer_confirms_the_order_when_it_arrives(shop: StartedShop) -> None:
    async with customer(shop.url) as buyer:
        await buyer.register_and_log_in()
        (product,) = await buyer.products(1)
        order = (await buyer.place({product["id"]: 1}))["order"]
        paid = await buyer.pay(order["id"], method="tok_bank_transfer")
        assert (paid["errors"], paid["payment"]["status"]) == ([], "PROCESSING")
        await buyer.wait_for_status(order["id"], "CONFIRMED")


async def test_a_customer_who_approves_at_the_bank_has_paid_without_coming_back(shop: StartedShop) -> None:
    async with customer(shop.url) as buyer:
        await buyer.register_and_log_in()
        (product,) = await buyer.products(1)
        order = (await buyer.place({product["id"]: 1}))["order"]
        given = {"orderId": order["id"], "paymentMethodToken": "tok_3ds", "idempotencyKey": f"3ds {order['id']}"}
        payment = (await buyer.ask(ACTION, {"input": given}))["paymentCreate"]["payment"]
        assert payment["status"] == "REQUIRES_ACTION"
        url, _, secret = payment["nextAction"]["redirectUrl"].partition("?secret=")
        assert (await buyer.http.get(payment["nextAction"]["redirectUrl"])).status_code == 200
        approved = await buyer.http.post(url, data={"answer": "approve", "secret": secret})
        assert approved.status_code == 200
        await buyer.wait_for_status(order["id"], "CONFIRMED")


async def test_nothing_is_due_for_an_order_that_was_cancelled_unpaid(shop: StartedShop) -> None:
    async with customer(shop.url) as buyer:
        await buyer.register_and_log_in()
        (product,) = await buyer.products(1)
        order = (await buyer.place({product["id"]: 1}))["order"]
        assert await buyer.ask(DUE, {"id": order["id"]}) == {"order": {"balanceDue": order["total"]}}
        nothing = order["total"] | {"amount": "0.00"}
        assert await buyer.ask(CANCEL, {"id": order["id"]}) == {"orderCancel": {"order": {"balanceDue": nothing}}}
        assert await buyer.ask(DUE, {"id": order["id"]}) == {"order": {"balanceDue": nothing}}

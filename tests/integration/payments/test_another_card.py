"""While a bank asks its customer, the order may be paid by something else; whatever happens, it is paid once."""

import asyncio
from typing import Any

import pytest

from common.auth import Principal
from subgraphs.payments.domain.steps import ATTEMPTS_MAX
from tests.kit.commerce import Commerce, customer, database_of, eventually
from tests.kit.flaky_provider import FlakyProvider

pytestmark = pytest.mark.anyio

ACTION = "query($id: ID!) { payment(id: $id) { nextAction { redirectUrl } } }"


async def asked(shop: Commerce, buyer: Principal) -> tuple[str, str, str]:
    """An order whose bank asks: its id, that of its payment, and the address of the bank's page."""
    order_id = (await shop.placed(buyer, await shop.add_product(stock=5)))["id"]
    payment = (await shop.pay(buyer, order_id, "tok_3ds"))["payment"]
    assert payment["status"] == "REQUIRES_ACTION"
    shown = (await shop.payments.data(ACTION, {"id": payment["id"]}, buyer))["payment"]
    return order_id, payment["id"], shown["nextAction"]["redirectUrl"]


async def approve(shop: Commerce, page: str) -> str:
    """What the page says in the end."""
    url, _, secret = page.partition("?secret=")
    async with shop.sandbox.http.post(url, data={"answer": "approve", "secret": secret}) as response:
        assert response.status == 200
        return await response.text()


async def charges_of(shop: Commerce, order_id: str) -> list[dict[str, Any]]:
    return [charge for charge in await shop.sandbox.charges() if charge["metadata"]["order_id"] == order_id]


async def is_paid_once(shop: Commerce, order_id: str) -> bool:
    """Captured by one charge, and nothing held by any other."""
    statuses = sorted(charge["status"] for charge in await charges_of(shop, order_id))
    return statuses.count("succeeded") == 1 and set(statuses) <= {"succeeded", "canceled", "requires_payment_method"}


async def test_a_customer_whom_the_bank_asks_pays_at_once_by_another_card(shop: Commerce) -> None:
    buyer = customer()
    order_id, payment_id, page = await asked(shop, buyer)
    paid = await shop.pay(buyer, order_id, "tok_mastercard")
    assert (paid["errors"], paid["payment"]["id"], paid["payment"]["status"]) == ([], payment_id, "AUTHORIZED")
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await eventually(lambda: is_paid_once(shop, order_id), True)
    assert "cancelled" in await approve(shop, page)
    assert await is_paid_once(shop, order_id)
    rows = await database_of(shop.payments).fetch("SELECT state FROM payment_attempt ORDER BY created_at")
    assert [row["state"] for row in rows] == ["SUPERSEDED", "AUTHORIZED"]
    assert (await shop.payments.data(ACTION, {"id": payment_id}, buyer))["payment"]["nextAction"] is None


async def test_another_card_that_is_declined_leaves_the_order_to_a_third(shop: Commerce) -> None:
    buyer = customer()
    order_id, payment_id, _ = await asked(shop, buyer)
    declined = await shop.pay(buyer, order_id, "tok_declined")
    assert [error["__typename"] for error in declined["errors"]] == ["PaymentDeclinedError"]
    assert (await shop.pay(buyer, order_id))["payment"]["id"] == payment_id
    await eventually(lambda: is_paid_once(shop, order_id), True)


async def test_the_bank_may_ask_again_about_the_other_card(shop: Commerce) -> None:
    buyer = customer()
    order_id, payment_id, first_page = await asked(shop, buyer)
    again = (await shop.pay(buyer, order_id, "tok_wallet_redirect"))["payment"]
    assert (again["id"], again["status"]) == (payment_id, "REQUIRES_ACTION")
    page = (await shop.payments.data(ACTION, {"id": payment_id}, buyer))["payment"]["nextAction"]["redirectUrl"]
    assert page != first_page
    await approve(shop, page)
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await eventually(lambda: is_paid_once(shop, order_id), True)


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.03])
async def test_who_approves_and_pays_by_another_card_at_the_same_moment_is_charged_once(
    shop: Commerce, delay_s: float
) -> None:
    async def one() -> str:
        buyer = customer()
        order_id, _, page = await asked(shop, buyer)

        async def by_another_card() -> dict[str, Any]:
            await asyncio.sleep(delay_s)
            return await shop.pay(buyer, order_id)

        _, paid = await asyncio.gather(approve(shop, page), by_another_card())
        # the bank was quicker, or the other card: nothing else may have happened
        assert [error["__typename"] for error in paid["errors"]] in ([], ["OrderNotPayableError"])
        return order_id

    for order_id in await asyncio.gather(*(one() for _ in range(5))):
        await eventually(lambda order_id=order_id: shop.payment_statuses(order_id), ["CAPTURED"])  # type: ignore[misc]
        await eventually(lambda order_id=order_id: is_paid_once(shop, order_id), True)  # type: ignore[misc]
        await eventually(lambda order_id=order_id: shop.status(order_id), "CONFIRMED")  # type: ignore[misc]


async def test_of_two_other_cards_at_once_one_pays(shop: Commerce) -> None:
    buyer = customer()
    order_id, _, _ = await asked(shop, buyer)
    tokens = ("tok_visa", "tok_mastercard", "tok_visa_alt")
    paid = await asyncio.gather(*(shop.pay(buyer, order_id, token) for token in tokens))
    assert sorted(len(answer["errors"]) for answer in paid) == [0, 1, 1]
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await eventually(lambda: is_paid_once(shop, order_id), True)


async def test_an_attempt_given_up_is_let_go_of_though_the_provider_does_not_answer(
    shop: Commerce, provider: FlakyProvider
) -> None:
    buyer = customer()
    order_id, _, _ = await asked(shop, buyer)
    provider.lose.update(find=1, void=1)
    assert (await shop.pay(buyer, order_id))["errors"] == []
    await eventually(lambda: is_paid_once(shop, order_id), True)

    async def owed() -> int:
        return len(await database_of(shop.payments).fetch("SELECT id FROM provider_task"))

    await eventually(owed, 0)


async def test_who_has_tried_too_many_cards_answers_the_bank_first(shop: Commerce) -> None:
    buyer = customer()
    order_id, _, page = await asked(shop, buyer)
    await database_of(shop.payments).fetch("UPDATE payment SET attempt_count = $1", [ATTEMPTS_MAX])
    refused = await shop.pay(buyer, order_id)
    assert [error["__typename"] for error in refused["errors"]] == ["OrderNotPayableError"]
    assert "confirm it" in refused["errors"][0]["message"]
    await approve(shop, page)
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])

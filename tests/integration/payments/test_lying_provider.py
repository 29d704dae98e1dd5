"""A provider whose charges are of another amount, or another currency, than was asked for: nothing is sold for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from subgraphs.payments.domain.provider import Charge
from tests.integration.payments.test_paying import charges, check_ledger, codes
from tests.kit.commerce import Commerce, customer, database_of, eventually
from tests.kit.flaky_provider import FlakyProvider

pytestmark = pytest.mark.anyio

LIES: dict[str, Callable[[Charge], Charge]] = {
    "less": lambda charge: replace(charge, amount_minor=1),
    "more": lambda charge: replace(charge, amount_minor=charge.amount_minor + 1),
    "of another currency": lambda charge: replace(charge, currency="JPY"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_hold_of_something_else_is_let_go_and_the_order_still_to_be_paid(
    shop: Commerce, provider: FlakyProvider, lie: str
) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order_id = (await shop.placed(buyer, product_id))["id"]
    provider.tells = LIES[lie]
    assert codes(await shop.pay(buyer, order_id)) == ["PaymentDeclinedError"]

    async def at_provider() -> list[tuple[str, int, int]]:
        return await charges(shop)

    await eventually(at_provider, [("canceled", 0, 0)])
    assert await shop.status(order_id) == "AWAITING_PAYMENT"
    provider.be_honest()
    assert codes(await shop.pay(buyer, order_id)) == []
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await check_ledger(shop)


async def test_a_transfer_of_something_else_is_sent_back(shop: Commerce, provider: FlakyProvider) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order_id = (await shop.placed(buyer, product_id))["id"]
    provider.tells = LIES["less"]
    assert codes(await shop.pay(buyer, order_id, "tok_bank_transfer")) == []

    async def outcome() -> tuple[list[str], list[tuple[str, int, int]]]:
        await database_of(shop.payments).fetch("UPDATE provider_task SET next_at = now() WHERE next_at > now()")
        return await shop.payment_statuses(order_id), await charges(shop)

    await eventually(outcome, (["REQUIRES_METHOD"], [("succeeded", 1726, 1726)]))
    assert await shop.status(order_id) == "AWAITING_PAYMENT"

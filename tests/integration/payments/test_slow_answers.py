"""The provider does what it was asked, and says so after payments has stopped waiting."""

import pytest

from tests.integration.payments.test_paying import charges, codes
from tests.integration.payments.test_troubles import due_now
from tests.kit.commerce import customer, eventually, running_commerce

pytestmark = pytest.mark.anyio


async def test_an_answer_that_comes_too_late_is_found_out_and_charged_once(postgres_url: str, nats_url: str) -> None:
    buyer = customer()
    async with running_commerce(postgres_url, nats_url, provider_timeout_s=2.0) as shop:
        await shop.sandbox.faults(slow_s=6.0)
        # with shipping and tax an amount that the sandbox is slow with
        order = await shop.placed(buyer, await shop.add_product(stock=5, price="10.60"))
        assert order["total"]["amount"][-2:] == "91"
        assert codes(await shop.pay(buyer, order["id"])) == []

        async def statuses() -> list[str]:
            await due_now(shop)
            return await shop.payment_statuses(order["id"])

        await eventually(statuses, ["CAPTURED"])
        assert await charges(shop) == [("succeeded", int(order["total"]["amount"].replace(".", "")), 0)]

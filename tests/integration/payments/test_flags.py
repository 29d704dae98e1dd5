"""Ways to pay can be switched off without a release."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.payments.test_methods_of_payment import ordered
from tests.integration.payments.test_paying import charges, codes
from tests.kit.commerce import Commerce, customer, running_commerce

pytestmark = pytest.mark.anyio

OFF = '{"payment-wallet": false, "payment-bank-transfer": false, "payment-cash-on-delivery": {"percent": 0}}'


@pytest.fixture
async def austere_shop(postgres_url: str, nats_url: str) -> AsyncIterator[Commerce]:
    async with running_commerce(postgres_url, nats_url, flags=OFF) as commerce:
        yield commerce


async def test_what_is_switched_off_is_not_offered_and_cards_always_are(austere_shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(austere_shop, buyer)
    for token in ("tok_wallet_ok", "tok_bank_transfer", "tok_cash_on_delivery"):
        refused = await austere_shop.pay(buyer, order_id, token)
        assert (codes(refused), refused["errors"][0]["message"]) == (
            ["InvalidInputError"],
            "This way to pay is not offered.",
        )
    assert await charges(austere_shop) == []
    assert codes(await austere_shop.pay(buyer, order_id)) == []

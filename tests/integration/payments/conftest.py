"""The three trading subgraphs, started once per module and emptied before each test; the provider can be flaky."""

from collections.abc import AsyncIterator

import pytest

from subgraphs.payments.domain.provider import PaymentProvider
from tests.kit.commerce import Commerce, database_of, empty, running_commerce
from tests.kit.flaky_provider import FlakyProvider


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def running_shop(
    anyio_backend: str, postgres_url: str, nats_url: str
) -> AsyncIterator[tuple[Commerce, FlakyProvider]]:
    providers: list[FlakyProvider] = []

    def wrap(provider: PaymentProvider) -> FlakyProvider:
        providers.append(FlakyProvider(provider))
        return providers[0]

    async with running_commerce(postgres_url, nats_url, wrap_provider=wrap) as commerce:
        yield commerce, providers[0]


@pytest.fixture
async def shop(running_shop: tuple[Commerce, FlakyProvider]) -> Commerce:
    commerce, provider = running_shop
    provider.be_honest()
    await commerce.sandbox.reset()
    await empty(*(database_of(client) for client in (commerce.products, commerce.orders, commerce.payments)))
    return commerce


@pytest.fixture
def provider(running_shop: tuple[Commerce, FlakyProvider]) -> FlakyProvider:
    return running_shop[1]

"""The shop's three trading subgraphs, started once per module and emptied before each test."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.commerce import Commerce, database_of, empty, running_commerce


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def running_shop(anyio_backend: str, postgres_url: str, nats_url: str) -> AsyncIterator[Commerce]:
    async with running_commerce(postgres_url, nats_url) as commerce:
        yield commerce


@pytest.fixture
async def shop(running_shop: Commerce) -> Commerce:
    clients = (running_shop.products, running_shop.orders, running_shop.payments)
    await empty(*(database_of(client) for client in clients))
    return running_shop

"""The products subgraph, started once per module and emptied before each test; its reservations are asked directly."""

from collections.abc import AsyncIterator

import pytest

from common.settings import SubgraphSettings
from subgraphs.products.app import create_app
from subgraphs.products.service.categories import KEY
from subgraphs.products.service.shop import ProductsService
from tests.integration.products.shelf import Shelf
from tests.kit.commerce import empty
from tests.kit.subgraph import fresh_database_name, running, settings_of


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def running_shelf(anyio_backend: str, postgres_url: str, nats_url: str) -> AsyncIterator[Shelf]:
    settings = SubgraphSettings(**settings_of(postgres_url, nats_url))
    app = create_app(settings, database_name=fresh_database_name("products"))
    async with running(app) as client:
        service: ProductsService = app.state.runtime.service()
        yield Shelf(client, app.state.runtime.database, service)


@pytest.fixture
async def shelf(running_shelf: Shelf) -> Shelf:
    await empty(running_shelf.database)
    await running_shelf.service.categories.cache.delete(KEY)
    return running_shelf

"""The products subgraph on a database of its own, and its reservations asked directly."""

from collections.abc import AsyncIterator

import pytest

from common.settings import SubgraphSettings
from subgraphs.products.app import create_app
from subgraphs.products.service.shop import ProductsService
from tests.integration.products.shelf import Shelf
from tests.kit.subgraph import fresh_database_name, running, settings_of


@pytest.fixture
async def shelf(postgres_url: str, nats_url: str) -> AsyncIterator[Shelf]:
    settings = SubgraphSettings(**settings_of(postgres_url, nats_url))
    app = create_app(settings, database_name=fresh_database_name("products"))
    async with running(app) as client:
        service: ProductsService = app.state.runtime.service()
        yield Shelf(client, app.state.runtime.database, service)

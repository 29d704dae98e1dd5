"""The categories and their cache."""

import pytest

from common.ids import uuid7
from common.settings import SubgraphSettings
from common.subgraph.statements import record_statements
from subgraphs.products.app import create_app
from tests.integration.products.shelf import Shelf
from tests.kit.redis import open_redis
from tests.kit.subgraph import fresh_database_name, running, settings_of

pytestmark = pytest.mark.anyio

CATEGORIES = "{ categories { name } }"
_ADD = "INSERT INTO category (id, slug, name) VALUES ($1, $2, $2) RETURNING id"


async def test_categories_are_read_once_however_often_they_are_shown(shelf: Shelf) -> None:
    await shelf.database.fetch(_ADD, [uuid7(), "fruit"])
    with record_statements(shelf.database.observer) as statements:
        answers = [await shelf.client.data(CATEGORIES) for _ in range(3)]
    assert answers == [{"categories": [{"name": "fruit"}]}] * 3
    assert sum("FROM category" in statement.text for statement in statements) == 1


async def test_a_category_that_is_newer_than_the_cache_is_found_by_its_products(shelf: Shelf) -> None:
    await shelf.client.data(CATEGORIES)
    (category,) = await shelf.database.fetch(_ADD, [uuid7(), "fruit"])
    assert [found.name for found in await shelf.service.categories.by_id([category["id"], uuid7()])] == ["fruit"]


async def test_replicas_share_the_categories_through_redis(postgres_url: str, nats_url: str) -> None:
    database_name = fresh_database_name("products")
    async with open_redis() as redis:
        settings = SubgraphSettings(**settings_of(postgres_url, nats_url), redis_url=redis.url)
        first, second = (create_app(settings, database_name=database_name) for _ in range(2))
        async with running(first) as one, running(second) as other:
            await first.state.runtime.database.fetch(_ADD, [uuid7(), "fruit"])
            assert await one.data(CATEGORIES) == {"categories": [{"name": "fruit"}]}
            with record_statements(second.state.runtime.database.observer) as statements:
                assert await other.data(CATEGORIES) == {"categories": [{"name": "fruit"}]}
            assert not [statement for statement in statements if "FROM category" in statement.text]
        assert list(redis.values) == [b"punnet:products:categories:all"]

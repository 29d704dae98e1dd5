"""The categories and their cache; the tree as staff changes it."""

import asyncio
import random
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from common.ids import new_id, uuid7
from common.settings import SubgraphSettings
from common.subgraph.statements import record_statements
from subgraphs.products.app import create_app
from tests.integration.products.shelf import Shelf
from tests.kit.commerce import STAFF, customer
from tests.kit.redis import open_redis
from tests.kit.subgraph import fresh_database_name, running, settings_of

pytestmark = pytest.mark.anyio

CATEGORIES = "{ categories { name } }"
CATEGORY = "category { id name slug position version parent { name } children { name } }"
ERRORS = """errors { __typename ... on UserError { path } ... on StaleVersionError { currentVersion }
    ... on CategoryInUseError { productCount childCount } }"""
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


async def change(shelf: Shelf, verb: str, **given: Any) -> dict[str, Any]:
    """Payload of categoryCreate, categoryUpdate or categoryMove."""
    name = f"category{verb}"
    document = f"mutation($input: Category{verb}Input!) {{ {name}(input: $input) {{ {CATEGORY} {ERRORS} }} }}"
    payload: dict[str, Any] = (await shelf.client.data(document, {"input": given}, STAFF))[name]
    return payload


async def delete(shelf: Shelf, **given: Any) -> dict[str, Any]:
    document = f"mutation($input: CategoryDeleteInput!) {{ categoryDelete(input: $input) {{ deletedId {ERRORS} }} }}"
    payload: dict[str, Any] = (await shelf.client.data(document, {"input": given}, STAFF))["categoryDelete"]
    return payload


async def add(shelf: Shelf, name: str, **more: Any) -> str:
    """Its id."""
    created: str = (await change(shelf, "Create", name=name, **more))["category"]["id"]
    return created


async def test_the_tree_is_built_renamed_moved_and_pruned_and_shows_it_at_once(shelf: Shelf) -> None:
    food, fruit = await add(shelf, "Food"), await add(shelf, "Fruit", position=2)
    moved = await change(shelf, "Move", id=fruit, parentId=food, expectedVersion=1)
    assert moved["category"]["parent"] == {"name": "Food"}
    berries = await add(shelf, "Berries", parentId=fruit)
    renamed = await change(shelf, "Update", id=fruit, name="Fresh fruit")
    assert {name: renamed["category"][name] for name in ("name", "slug", "position", "version", "children")} == {
        "name": "Fresh fruit",
        "slug": "fruit",
        "position": 2,
        "version": 3,
        "children": [{"name": "Berries"}],
    }
    assert await shelf.client.data(CATEGORIES) == {
        "categories": [{"name": "Food"}, {"name": "Fresh fruit"}, {"name": "Berries"}]
    }
    found = await shelf.client.data('{ category(slug: "berries") { id } }')
    assert found == {"category": {"id": berries}}
    await shelf.add(stock=1, categoryId=berries)
    refusals = [
        (await delete(shelf, id=fruit))["errors"],
        (await delete(shelf, id=berries))["errors"],
        (await change(shelf, "Update", id=fruit, name="X", expectedVersion=2))["errors"],
        (await change(shelf, "Move", id=food, parentId=berries))["errors"],
        (await change(shelf, "Move", id=food, parentId=food))["errors"],
        (await change(shelf, "Move", id=food, parentId=new_id("cat")))["errors"],
        (await change(shelf, "Create", name="X", parentId=new_id("cat")))["errors"],
    ]
    in_use = {"__typename": "CategoryInUseError", "path": ["id"]}
    below_itself = {"__typename": "InvalidInputError", "path": ["parentId"]}
    unknown = {"__typename": "NotFoundError", "path": ["parentId"]}
    assert refusals == [
        [{**in_use, "productCount": 0, "childCount": 1}],
        [{**in_use, "productCount": 1, "childCount": 0}],
        [{"__typename": "StaleVersionError", "path": ["expectedVersion"], "currentVersion": 3}],
        [below_itself],
        [below_itself],
        [unknown],
        [unknown],
    ]
    leaf = await add(shelf, "Berries", parentId=food)
    assert await delete(shelf, id=leaf) == {"deletedId": leaf, "errors": []}
    assert (await change(shelf, "Move", id=fruit))["category"]["parent"] is None


async def test_a_category_shows_what_is_in_those_below_it(shelf: Shelf) -> None:
    top = await add(shelf, "Food")
    middle = await add(shelf, "Fruit", parentId=top)
    bottom = await add(shelf, "Berries", parentId=middle)
    for category_id in (middle, bottom, bottom):
        await shelf.add(stock=1, categoryId=category_id)
    with record_statements(shelf.database.observer, source="request") as statements:
        data = await shelf.client.data("{ categories { products(first: 1) { totalCount nodes { id } } } }")
        await asyncio.sleep(0)
    assert [category["products"]["totalCount"] for category in data["categories"]] == [3, 3, 2]
    assert sum("FROM product p" in statement.text for statement in statements) == 1
    assert len(statements) <= 3
    document = "query($id: ID!) { products(filter: { categoryId: $id }) { totalCount } }"
    counts = [(await shelf.client.data(document, {"id": given}))["products"] for given in (top, bottom)]
    assert counts == [{"totalCount": 3}, {"totalCount": 2}]


async def test_moves_at_once_never_close_a_cycle(shelf: Shelf) -> None:
    ids = [await add(shelf, f"Shelf {number}") for number in range(5)]
    chance = random.Random(5)  # noqa: S311 - repeatable
    moves = [chance.sample(ids, 2) for _ in range(80)]
    await asyncio.gather(*(change(shelf, "Move", id=child, parentId=parent) for child, parent in moves))
    reached = await shelf.database.fetch(
        """WITH RECURSIVE reached AS (
               SELECT id FROM category WHERE parent_id IS NULL
               UNION ALL SELECT c.id FROM category c JOIN reached r ON c.parent_id = r.id)
           SELECT count(*) AS n FROM reached"""
    )
    assert reached == [{"n": 5}]
    with pytest.raises(IntegrityError, match="below itself"):
        await shelf.database.fetch("UPDATE category SET parent_id = id")


async def test_only_the_catalogues_staff_changes_the_tree(shelf: Shelf) -> None:
    document = 'mutation { categoryCreate(input: { name: "X" }) { category { id } } }'
    answer = await shelf.client.execute(document, {}, customer())
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]

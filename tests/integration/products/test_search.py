"""Finding products by words: the best first, whatever was mistyped, page by page."""

from typing import Any

import pytest

from tests.integration.products.shelf import Shelf
from tests.kit.commerce import STAFF

pytestmark = pytest.mark.anyio

FIND = """query($filter: ProductFilter!, $sort: ProductSort, $after: String, $before: String, $first: Int, $last: Int) {
    products(filter: $filter, sort: $sort, after: $after, before: $before, first: $first, last: $last) {
        totalCount nodes { name } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"""


async def find(shelf: Shelf, query: str, **more: Any) -> list[str]:
    found = await shelf.client.data(FIND, {"filter": {"query": query, **more}})
    return [node["name"] for node in found["products"]["nodes"]]


async def test_a_word_in_the_name_weighs_more_than_one_in_the_description(shelf: Shelf) -> None:
    await shelf.add(stock=1, name="Copper kettle", description="Boils.")
    await shelf.add(stock=1, name="Mug", description="Goes well with a copper kettle.")
    await shelf.add(stock=1, name="Tea towel", description="Dries the kettle.")
    assert await find(shelf, "copper kettles") == ["Copper kettle", "Mug"]
    assert (await find(shelf, "kettle"))[0] == "Copper kettle"


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("ketle", ["Copper kettle"]),
        ("coper kettel", ["Copper kettle"]),
        ("headfones", ["Studio headphones"]),
        ("strawbery", ["Strawberry jam"]),
        ("Wasserkocher", []),
        ("ke", []),
        # nothing looks like it as long as something has the very word
        ("jam", ["Strawberry jam"]),
        ("kettle -copper", []),
    ],
)
async def test_what_is_mistyped_finds_names_that_look_like_it(shelf: Shelf, typed: str, names: list[str]) -> None:
    for name in ("Copper kettle", "Studio headphones", "Strawberry jam", "Jamb plane"):
        await shelf.add(stock=1, name=name)
    assert await find(shelf, typed) == names


async def test_drafts_neither_show_nor_keep_others_from_being_found(shelf: Shelf) -> None:
    await shelf.add(stock=1, name="Ketle", status="DRAFT")
    await shelf.add(stock=1, name="Kettle")
    assert await find(shelf, "ketle") == ["Kettle"]
    drafts = await shelf.client.data(FIND, {"filter": {"query": "ketle", "status": "DRAFT"}}, STAFF)
    assert [node["name"] for node in drafts["products"]["nodes"]] == ["Ketle"]


@pytest.mark.parametrize("query", ["berry", "bery"])
async def test_results_by_relevance_are_walked_in_both_directions(shelf: Shelf, query: str) -> None:
    for number in range(7):
        await shelf.add(stock=1, name=" ".join(["Berry"] * (1 + number % 3)), description="berry " * (number % 2))
    ordered = await shelf.client.data(FIND, {"filter": {"query": query}, "sort": "RELEVANCE"})
    expected = [node["name"] for node in ordered["products"]["nodes"]]
    assert len(expected) == ordered["products"]["totalCount"] == 7
    names: list[str] = []
    page: dict[str, Any] = {"pageInfo": {"endCursor": None, "hasNextPage": True}}
    while page["pageInfo"]["hasNextPage"]:
        given = {"filter": {"query": query}, "first": 2, "after": page["pageInfo"]["endCursor"]}
        page = (await shelf.client.data(FIND, given))["products"]
        names += [node["name"] for node in page["nodes"]]
    assert names == expected
    back = {"filter": {"query": query}, "last": 3, "before": page["pageInfo"]["startCursor"]}
    previous = (await shelf.client.data(FIND, back))["products"]
    assert [node["name"] for node in previous["nodes"]] == expected[3:6]


async def test_relevance_needs_words(shelf: Shelf) -> None:
    answer = await shelf.client.execute(FIND, {"filter": {}, "sort": "RELEVANCE"})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]

"""Pages within pages are counted before anything is fetched."""

from collections.abc import Sequence
from typing import Any

import pytest
import strawberry

from common.subgraph.schema import create_schema

pytestmark = pytest.mark.anyio


def _page(info: strawberry.Info[list[int], None], first: int | None = 20, last: int | None = None) -> list["Shelf"]:
    info.context.append(last or first or 0)
    return []


@strawberry.federation.type(keys=["id"])
class Shelf:
    id: strawberry.ID
    shelves: list["Shelf"] = strawberry.field(resolver=_page)

    @classmethod
    async def resolve_references(
        cls, info: strawberry.Info, representations: Sequence[dict[str, Any]]
    ) -> list["Shelf"]:
        return [cls(id=representation["id"]) for representation in representations]


@strawberry.type
class Query:
    shelves: list[Shelf] = strawberry.field(resolver=_page)


SCHEMA = create_schema("shelves", query=Query)
ENTITIES = """query($r: [_Any!]!, $n: Int = 30) {
  _entities(representations: $r) { ... on Shelf { shelves(first: $n) { id } } } }"""
DEEP = (
    "{ shelves { ...A } } fragment A on Shelf { shelves { ...B } } fragment B on Shelf { shelves { shelves { id } } }"
)
NAMED = "query Few { shelves { id } } query Many { shelves(first: 200) { shelves(first: 200) { id } } }"


async def ask(query: str, name: str | None = None, **variables: Any) -> tuple[list[str], int]:
    """Codes of errors, and how many pages were fetched."""
    fetched: list[int] = []
    result = await SCHEMA.execute(query, variable_values=variables, context_value=fetched, operation_name=name)
    return [str((error.extensions or {})["code"]) for error in result.errors or []], len(fetched)


def representations(count: int) -> list[dict[str, str]]:
    return [{"__typename": "Shelf", "id": str(number)} for number in range(count)]


@pytest.mark.parametrize(
    ("query", "name", "variables"),
    [
        ("{ shelves(first: 100) { shelves(first: 100) { shelves(first: 100) { id } } } }", None, {}),
        ("{ shelves(last: 200) { ... { shelves(first: 1, last: 200) { id } } } }", None, {}),
        ("query($n: Int) { shelves(first: $n) { shelves(first: $n) { id } } }", None, {"n": 200}),
        ("query($n: Int = 200) { shelves(first: $n) { shelves(first: $n) { id } } }", None, {}),
        (DEEP, None, {}),
        (NAMED, "Many", {}),
        (ENTITIES, None, {"r": representations(1000)}),
        ("{" + " ".join(f"a{n}: shelves {{ id }}" for n in range(600)) + "}", None, {}),
    ],
)
async def test_an_operation_over_the_budget_fetches_nothing(query: str, name: str | None, variables: Any) -> None:
    assert await ask(query, name, **variables) == (["COST_EXCEEDED"], 0)


@pytest.mark.parametrize(
    ("query", "name", "variables", "fetched_count"),
    [
        ("{ shelves(first: 100) { shelves(first: 100) { id } } }", None, {}, 1),
        ("query($n: Int) { shelves(first: $n) { shelves(first: $n) { id } } }", None, {"n": None}, 1),
        (NAMED, "Few", {}, 1),
        (ENTITIES, None, {"r": representations(600)}, 600),
        (ENTITIES, None, {"r": representations(1000), "n": 1}, 1000),
    ],
)
async def test_what_stays_within_it_is_answered(
    query: str, name: str | None, variables: Any, fetched_count: int
) -> None:
    assert await ask(query, name, **variables) == ([], fetched_count)

"""Entities: found, asked for once, joined where they belong."""

import pytest

from router.execution.merge import merge_into
from router.execution.model import ExecutionResult
from router.plan.nodes import Fetch, Sequence
from tests.kit.fake_subgraph import FakeSubgraph, data, entities_by
from tests.unit.execution.setting import answer, entity_fetch, on, supergraph

pytestmark = pytest.mark.anyio

SHOP = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) { tops: [Product] @join__field(graph: A) }
type Product @join__type(graph: A, key: "upc") @join__type(graph: B, key: "upc") {
  upc: ID!
  name: String @join__field(graph: A)
  stock: Int @join__field(graph: B)
  maker: Maker @join__field(graph: B)
}
type Maker @join__type(graph: B) { name: String }
""")
PLAN = Sequence(
    (
        Fetch(0, "a", "{ tops { __typename upc name } }"),
        entity_fetch(1, "b", "tops.@", on("Product", "upc"), "stock maker { name }", (0,)),
    )
)


def product(upc: str, name: str = "n") -> dict[str, str]:
    return {"__typename": "Product", "upc": upc, "name": name}


async def test_equal_entities_are_asked_for_once_and_joined_everywhere() -> None:
    a = FakeSubgraph(data(tops=[product("1"), None, product("2"), product("1")]))
    b = FakeSubgraph(entities_by(lambda item: {"stock": int(item["upc"]), "maker": {"name": "m" + item["upc"]}}))

    result = await answer(SHOP, "{ tops { maker { name } upc stock } }", PLAN, {"a": a, "b": b})

    one = {"maker": {"name": "m1"}, "upc": "1", "stock": 1}
    two = {"maker": {"name": "m2"}, "upc": "2", "stock": 2}
    assert result == ExecutionResult({"tops": [one, None, two, one]})
    assert b.variables[0] == {
        "representations": [{"__typename": "Product", "upc": "1"}, {"__typename": "Product", "upc": "2"}]
    }


async def test_nothing_is_asked_when_there_is_no_entity() -> None:
    a = FakeSubgraph(data(tops=[None]))

    result = await answer(SHOP, "{ tops { stock } }", PLAN, {"a": a, "b": FakeSubgraph()})

    assert result == ExecutionResult({"tops": [None]})


@pytest.mark.parametrize(
    ("known", "brought", "kept"),
    [("Book", "Media", "Book"), ("Media", "Book", "Book"), ("Media", None, "Media"), (None, "Media", "Media")],
)
async def test_the_name_of_an_interface_never_stands_where_the_name_of_the_type_is_known(
    known: str | None, brought: str | None, kept: str
) -> None:
    book = {"__typename": known, "id": "1"}

    merge_into(book, {"__typename": brought, "score": 5}, {"Media"})

    assert book == {"__typename": kept, "id": "1", "score": 5}

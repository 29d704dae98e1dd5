"""Values that are missing, null or of a wrong type: what becomes null, and what is said about it."""

from typing import Any

import pytest

from router.plan.nodes import Fetch
from tests.kit.fake_subgraph import FakeSubgraph, data
from tests.unit.execution.setting import answer, supergraph

pytestmark = pytest.mark.anyio

GRAPH = supergraph("""
type Query @join__type(graph: A) {
  item: Item  must: Item!  list: [Item]  strict: [Item!]  matrix: [[Int!]]  leaf: Leaf  some: Some  ids: [ID!]
}
type Item @join__type(graph: A) { name: String!  item: Item  list: [Item!]!  nick: String }
type Leaf @join__type(graph: A) { int: Int float: Float string: String boolean: Boolean id: ID color: Color any: Any }
enum Color @join__type(graph: A) {
  RED @join__enumValue(graph: A)
  SECRET @join__enumValue(graph: A) @inaccessible
}
scalar Any @join__type(graph: A)
union Some @join__type(graph: A)
  @join__unionMember(graph: A, member: "Item") @join__unionMember(graph: A, member: "Hid") = Item | Hid
type Hid @join__type(graph: A) @inaccessible { name: String }
""")


async def complete(query: str, **fields: Any) -> tuple[Any, list[tuple[str, list[str | int]]]]:
    """What the client gets for what subgraph `a` says."""
    result = await answer(GRAPH, query, Fetch(0, "a", query), {"a": FakeSubgraph(data(**fields))})
    assert all(error["extensions"] == {"code": "RESPONSE_VALIDATION_FAILED"} for error in result.errors)
    return result.data, [(error["message"], error["path"]) for error in result.errors]


def not_null(field: str, *path: str | int) -> tuple[str, list[str | int]]:
    return (f"Cannot return null for non-nullable field {field}.", list(path))


@pytest.mark.parametrize(
    ("query", "fields", "expected", "errors"),
    [
        ("{ item { nick } }", {"item": {"nick": None}}, {"item": {"nick": None}}, []),
        ("{ item { nick } }", {"item": {}}, {"item": {"nick": None}}, []),
        ("{ item { nick } }", {}, {"item": None}, []),
        ("{ item { name } }", {"item": {"name": None}}, {"item": None}, [not_null("Item.name", "item", "name")]),
        ("{ item { name } }", {"item": {}}, {"item": None}, [not_null("Item.name", "item", "name")]),
        (
            "{ item { nick item { name } } }",
            {"item": {"nick": "n", "item": {"name": None}}},
            {"item": {"nick": "n", "item": None}},
            [not_null("Item.name", "item", "item", "name")],
        ),
        ("{ must { name } }", {"must": {"name": None}}, None, [not_null("Item.name", "must", "name")]),
        ("{ must { name } item { nick } }", {"item": {}}, None, [not_null("Query.must", "must")]),
        (
            "{ list { name } }",
            {"list": [{"name": "a"}, {"name": None}, None, {"name": "b"}]},
            {"list": [{"name": "a"}, None, None, {"name": "b"}]},
            [not_null("Item.name", "list", 1, "name")],
        ),
        (
            "{ strict { name } }",
            {"strict": [{"name": "a"}, None]},
            {"strict": None},
            [not_null("Query.strict", "strict", 1)],
        ),
        (
            "{ list { list { name } } }",
            {"list": [{"list": [{"name": "a"}, {}]}, {"list": []}]},
            {"list": [None, {"list": []}]},
            [not_null("Item.name", "list", 0, "list", 1, "name")],
        ),
        (
            "{ matrix }",
            {"matrix": [[1, 2], [3, None], None, []]},
            {"matrix": [[1, 2], None, None, []]},
            [not_null("Query.matrix", "matrix", 1, 1)],
        ),
        ("{ item { nick } }", {"item": []}, {"item": None}, [("The value of Query.item is not an object.", ["item"])]),
        ("{ list { nick } }", {"list": {}}, {"list": None}, [("The value of Query.list is not a list.", ["list"])]),
        ("{ ids }", {"ids": ["a", 1, 2**70]}, {"ids": ["a", "1", str(2**70)]}, []),
        (
            "{ some { ... on Item { nick } } }",
            {"some": {"__typename": "Hid"}},
            {"some": None},
            [],
        ),
        (
            "{ some { ... on Item { nick } } }",
            {"some": {"__typename": "Invented"}},
            {"some": None},
            [("The value of Query.some has an unknown type.", ["some"])],
        ),
    ],
)
async def test_null_rises_to_the_nearest_nullable_position(
    query: str, fields: dict[str, Any], expected: Any, errors: list[Any]
) -> None:
    assert await complete(query, **fields) == (expected, errors)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("int", 2**31 - 1, 2**31 - 1),
        ("int", 3.0, 3),
        ("float", 1, 1),
        ("float", 1.5, 1.5),
        ("boolean", False, False),
        ("id", 7, "7"),
        ("color", "RED", "RED"),
        ("any", {"x": [1, None]}, {"x": [1, None]}),
        ("any", 0, 0),
    ],
)
async def test_right_values_stay(name: str, given: Any, expected: Any) -> None:
    assert await complete(f"{{ leaf {{ {name} }} }}", leaf={name: given}) == ({"leaf": {name: expected}}, [])


@pytest.mark.parametrize(
    ("name", "given", "what"),
    [
        ("int", "1", "is not of type Int"),
        ("int", True, "is not of type Int"),
        ("int", 1.5, "is not of type Int"),
        ("int", 2**31, "does not fit into 32 bits"),
        ("float", "1.5", "is not of type Float"),
        ("float", True, "is not of type Float"),
        ("string", 1, "is not of type String"),
        ("boolean", 0, "is not of type Boolean"),
        ("boolean", "true", "is not of type Boolean"),
        ("id", True, "is not of type ID"),
        ("id", 1.5, "is not of type ID"),
        ("color", "BLUE", "is not of type Color"),
        ("color", ["RED"], "is not of type Color"),
    ],
)
async def test_a_lie_about_a_type_becomes_null_with_an_error(name: str, given: Any, what: str) -> None:
    assert await complete(f"{{ leaf {{ {name} }} }}", leaf={name: given}) == (
        {"leaf": {name: None}},
        [(f"The value of Leaf.{name} {what}.", ["leaf", name])],
    )


async def test_a_hidden_enum_value_becomes_null_without_a_word() -> None:
    assert await complete("{ leaf { color } }", leaf={"color": "SECRET"}) == ({"leaf": {"color": None}}, [])


async def test_a_subgraph_that_explains_a_null_is_not_talked_over() -> None:
    subgraph = FakeSubgraph(
        lambda body: {"data": {"list": [None, {}]}, "errors": [{"message": "no", "path": ["list", 0, "name"]}]}
    )
    result = await answer(GRAPH, "{ list { name } }", Fetch(0, "a", "{ list { name } }"), {"a": subgraph})
    assert result.data == {"list": [None, None]}
    assert [(error["message"], error["path"]) for error in result.errors] == [
        ("no", ["list", 0, "name"]),
        not_null("Item.name", "list", 1, "name"),
    ]

"""The client's shape: keys in the order of the query, guards, fragments, `__typename`, introspection."""

from typing import Any

import pytest

from router.plan.nodes import Fetch
from tests.kit.fake_subgraph import FakeSubgraph, data
from tests.unit.execution.setting import answer, keys_in_order, supergraph

pytestmark = pytest.mark.anyio

GRAPH = supergraph("""
type Query @join__type(graph: A) { cat: Cat  pets: [Pet!]  any: Any  named: Named }
interface Named @join__type(graph: A) { name: String }
interface Pet implements Named @join__type(graph: A) @join__implements(graph: A, interface: "Named") {
  name: String  friend: Pet
}
type Cat implements Pet & Named @join__type(graph: A) @join__implements(graph: A, interface: "Pet")
  @join__implements(graph: A, interface: "Named") { name: String  friend: Pet  lives: Int  mother: Cat }
type Dog implements Pet & Named @join__type(graph: A) @join__implements(graph: A, interface: "Pet")
  @join__implements(graph: A, interface: "Named") { name: String  friend: Pet  tricks: [String!] }
union Any @join__type(graph: A) @join__unionMember(graph: A, member: "Cat") @join__unionMember(graph: A, member: "Dog")
  = Cat | Dog
""")
CAT = {"lives": 9, "name": "Tom", "__typename": "Cat", "mother": {"name": "Eva", "lives": 8}}
DOG = {"tricks": ["sit"], "__typename": "Dog", "name": "Rex"}


async def shaped(query: str, variables: dict[str, Any] | None = None, **fields: Any) -> Any:
    result = await answer(GRAPH, query, Fetch(0, "a", "{ x }"), {"a": FakeSubgraph(data(**fields))}, variables)
    assert result.errors == ()
    return result.data


async def test_keys_stand_in_the_order_of_the_query_and_nothing_else_stands_there() -> None:
    found = await shaped(
        "{ cat { mother { lives n: name } name lives } }", cat={**CAT, "mother": {"n": "Eva", "lives": 8}}
    )
    assert found == {"cat": {"mother": {"lives": 8, "n": "Eva"}, "name": "Tom", "lives": 9}}
    inner = [("mother", [("lives", None), ("n", None)]), ("name", None), ("lives", None)]
    assert keys_in_order(found) == [("cat", inner)]


async def test_fragments_hold_where_the_runtime_type_fits() -> None:
    query = """{ pets { ... on Cat { lives } ... on Named { name } ... on Dog { tricks } __typename } }"""
    assert await shaped(query, pets=[CAT, DOG]) == {
        "pets": [
            {"lives": 9, "name": "Tom", "__typename": "Cat"},
            {"name": "Rex", "tricks": ["sit"], "__typename": "Dog"},
        ]
    }


async def test_the_same_key_met_in_several_fragments_is_one_field_with_all_selections() -> None:
    query = "{ any { ... on Cat { mother { name } } ... on Named { ... on Cat { mother { lives } name } } } }"
    assert await shaped(query, any=CAT) == {"any": {"mother": {"name": "Eva", "lives": 8}, "name": "Tom"}}


async def test_typename_is_known_even_where_no_subgraph_was_asked_for_it() -> None:
    found = await shaped("{ q: __typename cat { t: __typename mother { __typename } } }", cat={"mother": {}})
    assert found == {"q": "Query", "cat": {"t": "Cat", "mother": {"__typename": "Cat"}}}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"x": True, "y": True},
            [("cat", [("lives", None), ("name", None), ("mother", [("name", None), ("lives", None)])])],
        ),
        ({"x": False, "y": True}, [("cat", [("name", None), ("mother", [("lives", None)])])]),
        ({"x": False, "y": False}, [("cat", [("name", None)])]),
    ],
)
async def test_guards_decide_per_request_and_the_first_field_that_holds_sets_the_place(
    variables: dict[str, bool], expected: Any
) -> None:
    query = """query($x: Boolean!, $y: Boolean!) { cat {
      lives @include(if: $x)  name @skip(if: $x)  name
      mother @include(if: $x) { name }  mother @include(if: $y) { lives }
    } }"""
    assert keys_in_order(await shaped(query, variables, cat=CAT)) == expected


async def test_an_object_whose_every_field_is_skipped_is_empty_and_a_null_stays_null() -> None:
    query = """query($x: Boolean!) {
      cat { name @include(if: $x) }  any { ... on Dog { name } }  named { name @skip(if: true) }
    }"""
    assert await shaped(query, {"x": False}, cat=CAT, any=CAT, named=None) == {"cat": {}, "any": {}, "named": None}


async def test_an_object_known_only_by_its_interface_answers_what_the_interface_knows() -> None:
    assert await shaped(
        "{ pets { name ... on Named { n: name } ... on Cat { lives } } }",
        pets=[
            {"__typename": "Pet", "name": "a", "n": "a"},
            {"name": "b", "n": "b"},
        ],
    ) == {"pets": [{"name": "a", "n": "a"}, {"name": "b", "n": "b"}]}


async def test_more_guard_combinations_than_are_kept_are_answered_all_the_same() -> None:
    names = [f"v{number}" for number in range(6)]
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in names)
    query = f"query({' '.join(f'${name}: Boolean!' for name in names)}) {{ cat {{ {fields} }} }}"
    for number in range(2 ** len(names)):
        variables = {name: bool(number >> bit & 1) for bit, name in enumerate(names)}
        expected = {name: name for name in names if variables[name]}
        assert await shaped(query, variables, cat={name: name for name in names}) == {"cat": expected}


# --- introspection -------------------------------------------------------------------------------------------------


async def test_the_schema_is_answered_beside_data_and_in_the_order_of_the_query() -> None:
    query = """{ t: __type(name: "Cat") { name fields { name } } cat { name }
      ... { __schema { queryType { name } } } }"""
    found = await shaped(query, cat=CAT)
    fields = [{"name": name} for name in ("name", "friend", "lives", "mother")]
    assert found == {
        "t": {"name": "Cat", "fields": fields},
        "cat": {"name": "Tom"},
        "__schema": {"queryType": {"name": "Query"}},
    }
    assert list(found) == ["t", "cat", "__schema"]


async def test_introspection_alone_asks_no_subgraph_and_follows_its_variables() -> None:
    query = "query($n: String!, $f: Boolean!) { __type(name: $n) { name kind fields @include(if: $f) { name } } }"
    for name, kind in (("Dog", "OBJECT"), ("Named", "INTERFACE")):
        result = await answer(GRAPH, query, None, {}, {"n": name, "f": False})
        assert result.data == {"__type": {"name": name, "kind": kind}}
    assert (await answer(GRAPH, query, None, {}, {"n": "None", "f": True})).data == {"__type": None}


async def test_introspection_shows_the_schema_of_clients() -> None:
    result = await answer(GRAPH, "{ __schema { types { name } directives { name } } }", None, {})
    assert result.data is not None
    names = {entry["name"] for part in ("types", "directives") for entry in result.data["__schema"][part]}
    assert not [name for name in names if "join" in name or "link" in name]


async def test_an_answer_may_be_as_deep_as_a_document_is_allowed_to_be() -> None:
    depth = 98
    query = "{ cat { " + "mother { " * depth + "name" + " }" * depth + " } }"
    cat: dict[str, Any] = {"name": "first"}
    for _ in range(depth):
        cat = {"mother": cat}
    assert await shaped(query, cat=cat) == {"cat": cat}

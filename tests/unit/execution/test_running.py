"""When fetches start, what they send, and what is never sent."""

import asyncio
from typing import Any

import pytest

from router.execution.execute import execute
from router.execution.model import ExecutionContext, ExecutionResult
from router.operation.model import OperationKind
from router.plan.nodes import (
    BatchFetch,
    Condition,
    ContextRewrite,
    EntityBatch,
    Fetch,
    Flatten,
    Key,
    OnTypes,
    Parallel,
    RenameKey,
    RequiredField,
    RequiredFragment,
    Sequence,
    SetValue,
)
from tests.kit.fake_subgraph import FakeSubgraph, after, data, entities, entities_by
from tests.unit.execution.setting import answer, compiled, entity_fetch, on, path, supergraph

pytestmark = pytest.mark.anyio

GRAPH = supergraph(
    """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  x: X @join__field(graph: A)
  y: X @join__field(graph: B)
  find(id: ID = "7", flag: Boolean): X @join__field(graph: A)
  media: Media @join__field(graph: A)
}
type Mutation @join__type(graph: A) @join__type(graph: B) {
  first: Int @join__field(graph: A)
  second: Int @join__field(graph: B)
  third: Int @join__field(graph: A)
}
type X @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  size: Size @join__field(graph: A) @join__field(graph: B, external: true)
  color: String @join__field(graph: A) @join__field(graph: B, external: true)
  exact: Int! @join__field(graph: A) @join__field(graph: B, external: true)
  inB: Int @join__field(graph: B, requires: "size { w h } color exact")
  inC: Int @join__field(graph: C)
}
type Size @join__type(graph: A) @join__type(graph: B) { w: Int h: Int }
interface Media @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
  id: ID!
  score: Int @join__field(graph: B)
}
type Book implements Media @join__type(graph: A, key: "id") @join__implements(graph: A, interface: "Media") {
  id: ID!
  score: Int @join__field
}
""",
    "query: Query mutation: Mutation",
)
X = {"__typename": "X", "id": "1"}


async def test_a_fetch_waits_for_what_it_depends_on_and_for_nothing_else() -> None:
    c_was_asked = asyncio.Event()

    def answer_c(body: dict[str, Any]) -> Any:
        c_was_asked.set()
        return {"data": {"_entities": [{"inC": 3}]}}

    slow = FakeSubgraph(after(c_was_asked, data(y={"__typename": "X", "id": "2"})))
    plan = Sequence(
        (
            Parallel((Fetch(0, "a", "{ x { __typename id } }"), Fetch(1, "b", "{ y { id } }"))),
            entity_fetch(2, "c", "x", on("X", "id"), "inC", (0,)),
        )
    )
    ready = compiled(GRAPH, "{ y { id } x { inC } }", plan)
    clients = {"a": FakeSubgraph(data(x=X)), "b": slow, "c": FakeSubgraph(answer_c)}
    async with asyncio.timeout(60):
        result = await execute(ready, {}, ExecutionContext(clients))
    assert result == ExecutionResult({"y": {"id": "2"}, "x": {"inC": 3}})


async def test_a_plan_that_does_not_name_dependencies_is_run_as_its_tree_says() -> None:
    plan = Sequence((Fetch(0, "a", "{ x { __typename id } }"), entity_fetch(0, "c", "x", on("X", "id"), "inC", ())))
    result = await answer(
        GRAPH, "{ x { inC } }", plan, {"a": FakeSubgraph(data(x=X)), "c": FakeSubgraph(entities({"inC": 3}))}
    )
    assert result.data == {"x": {"inC": 3}}


async def test_mutations_run_one_after_the_other_whatever_their_dependencies_say() -> None:
    diary: list[str] = []

    def writing(pause: float) -> Any:
        async def write(body: dict[str, Any]) -> Any:
            name = body["query"].split()[2]
            diary.append(f"start {name}")
            await asyncio.sleep(pause)
            diary.append(f"end {name}")
            return {"data": {name: 1}}

        return write

    a, b = FakeSubgraph(writing(0.002)), FakeSubgraph(writing(0.001))
    fetches = [
        Fetch(number, service, f"mutation {{ {name} }}", kind=OperationKind.MUTATION)
        for number, (service, name) in enumerate((("a", "first"), ("b", "second"), ("a", "third")))
    ]
    ready = compiled(GRAPH, "mutation { first second third }", Sequence(tuple(fetches)))
    result = await execute(ready, {}, ExecutionContext({"a": a, "b": b}))
    assert result.data == {"first": 1, "second": 1, "third": 1}
    assert diary == ["start first", "end first", "start second", "end second", "start third", "end third"]
    assert not a.requests[0].is_repeatable


@pytest.mark.parametrize(("flag", "expected"), [(True, {"x": {"id": "1"}, "y": None}), (False, {"y": None})])
async def test_a_condition_decides_whether_a_fetch_is_sent(flag: bool, expected: dict[str, Any]) -> None:
    plan = Parallel(
        (Condition("v", Fetch(0, "a", "{ x { id } }")), Condition("v", None, Fetch(1, "b", "{ y { id } }")))
    )
    a, b = FakeSubgraph(data(x=X)), FakeSubgraph(data(y=None))
    query = "query($v: Boolean!) { x @include(if: $v) { id } y { id } }"
    result = await answer(GRAPH, query, plan, {"a": a, "b": b}, {"v": flag})
    assert result.data == expected
    assert (len(a.asked) > 0, len(b.asked) > 0) == (flag, not flag)


@pytest.mark.parametrize(
    ("variables", "sent"),
    [({}, {"id": "7"}), ({"id": None}, {"id": None}), ({"id": "1", "flag": True}, {"id": "1", "flag": True})],
)
async def test_only_variables_the_fetch_uses_are_sent_and_only_if_they_have_a_value(
    variables: dict[str, Any], sent: dict[str, Any]
) -> None:
    document = "query($id: ID, $flag: Boolean) { find(id: $id, flag: $flag) { id } }"
    plan = Fetch(0, "a", document, variables=("id", "flag"), operation_name="Find__a__0")
    a = FakeSubgraph(data(find=None))
    query = 'query($id: ID = "7", $flag: Boolean) { find(id: $id, flag: $flag) { id } }'
    await answer(GRAPH, query, plan, {"a": a}, variables)
    assert a.asked[0] == {"query": document, "operationName": "Find__a__0", "variables": sent}


async def test_headers_are_asked_for_at_every_fetch() -> None:
    a = FakeSubgraph(data(x=None))
    headers_for = lambda subgraph: (("x-context", subgraph),)  # noqa: E731
    await answer(GRAPH, "{ x { id } }", Fetch(0, "a", "{ x { id } }"), {"a": a}, headers_for=headers_for)
    assert a.requests[0].headers == (("x-context", "a"),)


# --- representations -----------------------------------------------------------------------------------------------

SIZE = RequiredField("size", "size", (RequiredField("w", "w"), RequiredField("h", "h")))


def requiring(*fields: str | RequiredField, **more: Any) -> Sequence:
    first = Fetch(0, "a", "{ x { __typename id size { w h } color exact } }")
    return Sequence((first, entity_fetch(1, "b", "x", on("X", "id", *fields), "inB", (0,), **more)))


@pytest.mark.parametrize(
    ("x", "sent"),
    [
        ({"size": {"w": 1, "h": 2}}, {"size": {"w": 1, "h": 2}}),
        ({"size": {"w": 1, "h": None}}, {"size": {"w": 1, "h": None}}),
        ({"size": [{"w": 1, "h": 2, "d": 3}]}, {"size": [{"w": 1, "h": 2}]}),
        ({"size": None}, {"size": None}),
    ],
)
async def test_nested_required_fields_are_sent_as_they_are_nulls_included(x: Any, sent: Any) -> None:
    a, b = FakeSubgraph(data(x={**X, **x})), FakeSubgraph(entities({"inB": 5}))
    result = await answer(GRAPH, "{ x { inB } }", requiring(SIZE), {"a": a, "b": b})
    assert b.variables[0] == {"representations": [{**X, **sent}]}
    assert result.data == {"x": {"inB": 5}}


@pytest.mark.parametrize(
    ("required", "x"),
    [(SIZE, {}), (SIZE, {"size": {"w": 1}}), (SIZE, {"size": 1}), ("exact", {"exact": None}), ("color", {})],
    ids=["never came", "came in part", "not an object", "null for a non-null field", "leaf never came"],
)
async def test_an_object_without_its_inputs_is_not_asked_about(required: Any, x: Any) -> None:
    a = FakeSubgraph(data(x={**X, **x}))
    result = await answer(GRAPH, "{ x { inB } }", requiring(required), {"a": a, "b": FakeSubgraph()})
    assert result == ExecutionResult({"x": {"inB": None}})


async def test_an_input_under_an_invented_alias_is_sent_under_its_own_name() -> None:
    a, b = FakeSubgraph(data(x={**X, "color_1": "red"})), FakeSubgraph(entities({"inB": 5}))
    await answer(GRAPH, "{ x { inB } }", requiring(RequiredField("color", "color_1")), {"a": a, "b": b})
    assert b.variables[0] == {"representations": [{**X, "color": "red"}]}


async def test_rewrites_change_what_is_sent_and_what_comes_back() -> None:
    a = FakeSubgraph(data(media={"__typename": "Book", "id": "1"}))
    b = FakeSubgraph(entities({"__typename": "Media", "score_1": 9}))
    lookup = entity_fetch(
        1,
        "b",
        "media",
        on("Book", "id"),
        "__typename score_1: score",
        (0,),
        input_rewrites=(SetValue((OnTypes(("Book",)), Key("__typename")), "Media"),),
        output_rewrites=(RenameKey((Key("score_1"),), "score"),),
    )
    plan = Sequence((Fetch(0, "a", "{ media { __typename id } }"), lookup))
    result = await answer(GRAPH, "{ media { __typename score } }", plan, {"a": a, "b": b})
    assert b.variables[0] == {"representations": [{"__typename": "Media", "id": "1"}]}
    assert result.data == {"media": {"__typename": "Book", "score": 9}}


async def test_an_interface_object_gets_its_concrete_type_from_the_subgraph_that_knows_it() -> None:
    b = FakeSubgraph(data(media={"__typename": "Media", "id": "1", "score": 9}))
    a = FakeSubgraph(entities({"__typename": "Book"}))
    lookup = entity_fetch(1, "a", "media", on("Media", "id"), "__typename", (0,))
    plan = Sequence((Fetch(0, "b", "{ media { __typename id score } }"), lookup))
    result = await answer(GRAPH, "{ media { __typename score } }", plan, {"a": a, "b": b})
    assert result.data == {"media": {"__typename": "Book", "score": 9}}


async def test_an_entity_is_sent_under_the_name_the_receiving_subgraph_knows() -> None:
    a = FakeSubgraph(data(media={"__typename": "Book", "id": "1"}))
    b = FakeSubgraph(entities({"score": 9}))
    lookup = entity_fetch(1, "b", "media", on("Media", "id"), "score", (0,))
    plan = Sequence((Fetch(0, "a", "{ media { __typename id } }"), lookup))
    result = await answer(GRAPH, "{ media { score } }", plan, {"a": a, "b": b})
    assert b.variables[0] == {"representations": [{"__typename": "Media", "id": "1"}]}
    assert result.data == {"media": {"score": 9}}


async def test_a_fetch_for_some_types_only_leaves_the_others_alone() -> None:
    a = FakeSubgraph(data(media={"__typename": "Book", "id": "1"}))
    requires = RequiredFragment("Book", (RequiredField("__typename", "__typename"), RequiredField("id", "id")))
    fetch = Fetch(1, "b", "{}", requires=(requires,), depends_on=(0,))
    plan = Sequence((Fetch(0, "a", "{ media { __typename id } }"), Flatten(path("media|[Film]"), fetch)))
    result = await answer(GRAPH, "{ media { score } }", plan, {"a": a, "b": FakeSubgraph()})
    assert result.data == {"media": {"score": None}}


# --- batches and contexts ------------------------------------------------------------------------------------------


def batch(**first: Any) -> Sequence:
    document = (
        "query($r0: [_Any!]!, $r1: [_Any!]!) { _e0: _entities(representations: $r0) { ... on X { inC } } "
        "_e1: _entities(representations: $r1) { ... on X { inC } } }"
    )
    entries = (
        EntityBatch("_e0", "r0", (path("x"),), (on("X", "id"),), **first),
        EntityBatch("_e1", "r1", (path("y"),), (on("X", "id"),)),
    )
    return Sequence(
        (
            Parallel((Fetch(0, "a", "{ x { __typename id } }"), Fetch(1, "b", "{ y { __typename id } }"))),
            BatchFetch(2, "c", document, entries, depends_on=(0, 1)),
        )
    )


async def test_an_empty_entry_of_a_batch_is_an_empty_list_and_switched_off() -> None:
    a, b = FakeSubgraph(data(x=None)), FakeSubgraph(data(y=X))
    c = FakeSubgraph(lambda body: {"data": {"_e1": [{"inC": 3}]}})
    result = await answer(GRAPH, "{ x { inC } y { inC } }", batch(include_if="i0"), {"a": a, "b": b, "c": c})
    assert c.variables[0] == {"r0": [], "i0": False, "r1": [X]}
    assert result == ExecutionResult({"x": None, "y": {"inC": 3}})


async def test_an_entry_the_client_switches_off_is_neither_asked_nor_missed() -> None:
    a, b = FakeSubgraph(data(x=X)), FakeSubgraph(data(y=X))
    c = FakeSubgraph(lambda body: {"data": {"_e1": [{"inC": 3}]}})
    query = "query($v: Boolean!) { x { inC @include(if: $v) id } y { inC } }"
    result = await answer(GRAPH, query, batch(include_if="v"), {"a": a, "b": b, "c": c}, {"v": False})
    assert result == ExecutionResult({"x": {"id": "1"}, "y": {"inC": 3}})


async def test_a_batch_with_nothing_to_ask_is_not_sent() -> None:
    a, b = FakeSubgraph(data(x=None)), FakeSubgraph(data(y=None))
    result = await answer(GRAPH, "{ x { inC } y { inC } }", batch(), {"a": a, "b": b, "c": FakeSubgraph()})
    assert result == ExecutionResult({"x": None, "y": None})


async def test_equal_entities_at_two_paths_share_a_representation_but_no_objects() -> None:
    entry = EntityBatch("_e0", "r0", (path("x"), path("y")), (on("X", "id"),))
    document = "query($r0: [_Any!]!) { _e0: _entities(representations: $r0) { ... on X { size { w } } } }"
    first = BatchFetch(2, "c", document, (entry,), depends_on=(0, 1))
    later = Sequence((*batch().nodes[:1], first))
    a, b = FakeSubgraph(data(x=X)), FakeSubgraph(data(y=X))
    c = FakeSubgraph(lambda body: {"data": {"_e0": [{"size": {"w": 1}}]}})
    result = await answer(GRAPH, "{ x { size { w } } y { size { w } } }", later, {"a": a, "b": b, "c": c})
    assert c.variables[0] == {"r0": [X]}
    assert result.data == {"x": {"size": {"w": 1}}, "y": {"size": {"w": 1}}}


async def test_context_arguments_are_taken_from_above_and_split_the_fetch_by_their_values() -> None:
    graph = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) { users: [User] @join__field(graph: A) }
type User @join__type(graph: A) { name: String pet: Pet }
type Pet @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  owner: String @join__field(graph: B)
}
""")
    fetch = entity_fetch(
        1,
        "b",
        "users.@.pet",
        on("Pet", "id"),
        "owner",
        (0,),
        context_rewrites=(ContextRewrite("n", 1, (Key("name"),)),),
    )
    plan = Sequence((Fetch(0, "a", "{ users { name pet { __typename id } } }"), fetch))
    pet = {"__typename": "Pet", "id": "1"}
    a = FakeSubgraph(data(users=[{"name": "Ann", "pet": pet}, {"name": "Bo", "pet": pet}, {"name": "Ann", "pet": pet}]))
    b = FakeSubgraph(lambda body: entities_by(lambda item: {"owner": body["variables"]["n"]})(body))
    result = await answer(graph, "{ users { pet { owner } } }", plan, {"a": a, "b": b})
    assert result.data == {"users": [{"pet": {"owner": name}} for name in ("Ann", "Bo", "Ann")]}
    assert b.variables[:2] == [{"n": "Ann", "representations": [pet]}, {"n": "Bo", "representations": [pet]}]

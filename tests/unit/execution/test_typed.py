"""Typed plans: what they answer, what they leave to the interpreter, and that nobody can tell which it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Struct

from router.execution.execute import execute
from router.execution.model import ExecutionContext, ExecutionResult
from router.operation.model import OperationKind
from router.pipeline.respond import encode_result
from router.plan.nodes import Fetch, PlanNode, RequiredField, Sequence
from router.supergraph import Supergraph
from tests.kit.both_ways import BothWays
from tests.kit.fake_subgraph import Answer, FakeSubgraph, data, entities_by
from tests.unit.execution.setting import compiled, entity_fetch, on, supergraph

pytestmark = pytest.mark.anyio

SHOP = supergraph(
    """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  tops: [Product] @join__field(graph: A)  any: [Any] @join__field(graph: A)
}
type Mutation @join__type(graph: A) { buy: Product @join__field(graph: A) }
type Product @join__type(graph: A, key: "upc") @join__type(graph: B, key: "upc") @join__type(graph: C, key: "upc") {
  upc: ID!
  name: String @join__field(graph: A)
  size: Size @join__field(graph: A) @join__field(graph: C, external: true)
  stock: Int @join__field(graph: B)
  cost: Float @join__field(graph: C, requires: "size { cm }")
}
type Size @join__type(graph: A) @join__type(graph: C) { cm: Float  inch: Float @join__field(graph: A) }
type Shop @join__type(graph: A) { name: String }
union Any @join__type(graph: A) @join__unionMember(graph: A, member: "Product")
  @join__unionMember(graph: A, member: "Shop") = Product | Shop
""",
    "query: Query mutation: Mutation",
)
TOPS = Sequence(
    (
        Fetch(0, "a", "{ tops { __typename upc name size { cm inch } } }"),
        entity_fetch(1, "b", "tops.@", on("Product", "upc"), "stock", (0,)),
        entity_fetch(
            2, "c", "tops.@",
            on("Product", "upc", RequiredField("size", "size", (RequiredField("cm", "cm"),))), "cost", (0,),
        ),
    )
)  # fmt: skip
ANY = Fetch(0, "a", "{ any { __typename ... on Product { upc } ... on Shop { name } } }")
ONE: dict[str, Any] = {"__typename": "Product", "upc": "1", "name": 'a "b"', "size": {"cm": 1, "inch": 0.39}}
TWO: dict[str, Any] = {"__typename": "Product", "upc": "2", "name": None, "size": None}
PRODUCTS = [ONE, None, TWO, {**ONE, "name": "again"}]


def fakes(a: Answer) -> dict[str, FakeSubgraph]:
    return {
        "a": FakeSubgraph(a),
        "b": FakeSubgraph(entities_by(lambda item: {"stock": int(item["upc"])})),
        "c": FakeSubgraph(entities_by(lambda item: {"cost": item["size"] and item["size"]["cm"]})),
    }


async def last_of(
    count: int, query: str, plan: PlanNode, clients: Mapping[str, FakeSubgraph], graph: Supergraph = SHOP
) -> ExecutionResult:
    ready = compiled(graph, query, plan)
    results = [await execute(ready, {}, ExecutionContext(clients)) for _ in range(count)]
    return results[-1]


async def test_the_answer_has_the_clients_fields_in_the_clients_order_and_nothing_that_only_fetches_need() -> None:
    clients = fakes(data(tops=PRODUCTS))
    query = "{ tops { cost t: __typename stock name size { inch } } }"

    result = await last_of(2, query, TOPS, clients)

    assert isinstance(result.content, Struct)
    one = r'{"cost":1,"t":"Product","stock":1,"name":"a \"b\"","size":{"inch":0.39}}'
    two = '{"cost":null,"t":"Product","stock":2,"name":null,"size":null}'
    again = '{"cost":1,"t":"Product","stock":1,"name":"again","size":{"inch":0.39}}'
    assert encode_result(result).decode() == '{"data":{"tops":[' + f"{one},null,{two},{again}" + "]}}"


async def test_subgraphs_are_sent_the_same_bytes_as_by_the_interpreter() -> None:
    clients = fakes(data(tops=PRODUCTS))

    await last_of(2, "{ tops { cost stock } }", TOPS, clients)

    for client in clients.values():
        step_by_step, typed = client.requests
        assert typed == step_by_step
    assert clients["c"].variables[1] == {
        "representations": [
            {"__typename": "Product", "upc": "1", "size": {"cm": 1}},
            {"__typename": "Product", "upc": "2", "size": None},
        ]
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("__typename ... on Product { upc }", '{"__typename":"Product","upc":"1"},{"__typename":"Shop"}'),
        ("... on Product { upc } __typename", '{"upc":"1","__typename":"Product"},{"__typename":"Shop"}'),
        ("... on Product { upc t: __typename }", '{"upc":"1","t":"Product"},{}'),
        ("... on Shop { name }", '{},{"name":"s"}'),
    ],
)
async def test_objects_of_several_types_say_their_type_where_the_client_asks_for_it(fields: str, expected: str) -> None:
    found = [{"__typename": "Product", "upc": "1"}, {"name": "s", "__typename": "Shop"}, None]

    result = await last_of(2, f"{{ any {{ {fields} }} }}", ANY, fakes(data(any=found)))

    assert isinstance(result.content, Struct)
    assert encode_result(result).decode() == '{"data":{"any":[' + expected + ",null]}}"


@pytest.mark.parametrize(
    "wrong",
    [
        {**ONE, "upc": None},
        {**ONE, "upc": 1},
        {**ONE, "name": 1},
        {**ONE, "__typename": "Shop"},
        {**ONE, "size": {"cm": "1", "inch": 1}},
        {**ONE, "stock": "more than asked for"},
        {"upc": "1", "name": "n", "size": None},
        [],
    ],
    ids=str,
)
async def test_after_a_surprise_the_interpreter_answers_and_nothing_is_asked_twice(wrong: object) -> None:
    clients = fakes(data(tops=[ONE, wrong]))
    query = "{ tops { upc name stock cost } }"

    step_by_step = await last_of(1, query, TOPS, clients)
    counts = [len(client.asked) for client in clients.values()]
    result = await last_of(2, query, TOPS, clients)

    assert not isinstance(result.content, Struct)
    assert result == step_by_step
    assert [len(client.asked) for client in clients.values()] == [count * 3 for count in counts]


async def test_a_mutation_is_sent_once_though_its_answer_surprises() -> None:
    plan = Sequence(
        (
            Fetch(0, "a", "mutation { buy { __typename upc } }", kind=OperationKind.MUTATION),
            entity_fetch(1, "b", "buy", on("Product", "upc"), "stock", (0,)),
        )
    )
    clients = fakes(data(buy={"__typename": "Product", "upc": "1"}))
    clients["b"] = FakeSubgraph(lambda body: {"errors": [{"message": "no"}], "data": None})

    result = await last_of(2, "mutation { buy { stock } }", plan, clients)

    assert (result.data, len(result.errors)) == ({"buy": {"stock": None}}, 1)
    assert [len(clients[name].asked) for name in ("a", "b")] == [2, 2]  # for two executions


async def test_an_entity_that_is_not_there_is_null_where_the_client_may_see_null() -> None:
    clients = fakes(data(tops=[ONE]))
    clients["b"] = FakeSubgraph(entities_by(lambda item: None))

    result = await last_of(2, "{ tops { stock } }", TOPS, clients)

    assert isinstance(result.content, Struct)
    assert result.data == {"tops": [{"stock": None}]}


async def test_a_plan_that_mostly_surprises_is_not_tried_for_a_while() -> None:
    ready = compiled(SHOP, "{ any { ... on Shop { name } } }", ANY)
    lying, honest = fakes(data(any=[{"__typename": "Nobody"}])), fakes(data(any=[{"__typename": "Shop", "name": "s"}]))

    async def content_of(clients: Mapping[str, FakeSubgraph]) -> object:
        return (await execute(ready, {}, ExecutionContext(clients))).content

    await content_of(honest)
    assert isinstance(await content_of(honest), Struct)
    for _ in range(20):
        await content_of(lying)
    assert await content_of(honest) == {"any": [{"name": "s"}]}
    for _ in range(1000):
        await content_of(honest)
    assert isinstance(await content_of(honest), Struct)


@pytest.mark.parametrize("seed", [0, 100_000])
async def test_nobody_can_tell_how_an_answer_was_made_whatever_subgraphs_say(seed: int) -> None:
    both = BothWays(seed, case_count=80)
    async for difference in both.differences():
        pytest.fail(difference)
    assert both.counts["typed"] > 20

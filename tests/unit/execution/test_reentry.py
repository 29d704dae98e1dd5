"""Root fetches below the root: a field that gives back the query type."""

from __future__ import annotations

import pytest

from router.execution.model import ExecutionResult
from router.operation import DocumentLimits, normalize_operation, parse_document
from router.planner import Planner
from tests.kit.fake_subgraph import FakeSubgraph
from tests.unit.execution.setting import answer, supergraph

pytestmark = pytest.mark.anyio

GRAPH = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) {
  things: [Thing] @join__field(graph: A)
  count: Int @join__field(graph: B)
}
type Thing @join__type(graph: A) { query: Query }
""")
QUERY = "{ things { query { count } } }"


async def reenter(a: FakeSubgraph, b: FakeSubgraph) -> ExecutionResult:
    operation = normalize_operation(parse_document(QUERY, DocumentLimits()), GRAPH.api_schema)
    return await answer(GRAPH, QUERY, Planner(GRAPH).plan(operation).node, {"a": a, "b": b})


async def test_every_object_at_the_path_gets_the_data_of_one_request() -> None:
    things = [{"query": {"__typename": "Query"}}, None, {"query": {"__typename": "Query"}}]
    a, b = FakeSubgraph(lambda body: {"data": {"things": things}}), FakeSubgraph(lambda body: {"data": {"count": 3}})
    result = await reenter(a, b)
    assert result == ExecutionResult({"things": [{"query": {"count": 3}}, None, {"query": {"count": 3}}]})
    assert [body["query"] for body in b.asked] == ["{count}"] * 2  # the answer is taken twice


async def test_nothing_is_asked_for_no_objects() -> None:
    a = FakeSubgraph(lambda body: {"data": {"things": [{"query": None}]}})
    assert await reenter(a, FakeSubgraph()) == ExecutionResult({"things": [{"query": None}]})


@pytest.mark.parametrize(
    ("path", "places"),
    [
        (["count"], [["things", 0, "query", "count"], ["things", 1, "query", "count"]]),
        (None, [["things", 0, "query"]]),
    ],
)
async def test_an_error_stands_at_every_place_or_once_if_it_is_about_the_request(
    path: list[str] | None, places: list[list[str | int]]
) -> None:
    things = [{"query": {"__typename": "Query"}}] * 2
    a = FakeSubgraph(lambda body: {"data": {"things": things}})
    b = FakeSubgraph(lambda body: {"data": {"count": None}, "errors": [{"message": "no", "path": path}]})
    result = await reenter(a, b)
    assert result.data == {"things": [{"query": {"count": None}}] * 2}
    assert [error["path"] for error in result.errors] == places

"""Subscriptions: every event is completed by the rest of the plan; closing closes everything above."""

from contextlib import aclosing

import pytest

from router.execution.execute import subscribe
from router.execution.model import ExecutionContext, ExecutionResult
from router.operation.model import OperationKind
from router.plan.nodes import Fetch, Subscription
from router.transport.errors import StreamBrokenError
from tests.kit.fake_subgraph import FakeSubgraph, entities_by
from tests.unit.execution.setting import compiled, entity_fetch, on, supergraph

pytestmark = pytest.mark.anyio

GRAPH = supergraph(
    """
type Query @join__type(graph: A) @join__type(graph: B) { x: Int @join__field(graph: A) }
type Subscription @join__type(graph: A) { changed(of: ID): Order @join__field(graph: A) }
type Order @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  total: Int @join__field(graph: B)
}
""",
    "query: Query subscription: Subscription",
)
DOCUMENT = "subscription($of: ID) { changed(of: $of) { __typename id } }"
PLAN = Subscription(
    Fetch(0, "a", DOCUMENT, kind=OperationKind.SUBSCRIPTION, variables=("of",)),
    entity_fetch(1, "b", "changed", on("Order", "id"), "total", (0,)),
)
READY = compiled(GRAPH, "subscription($of: ID) { changed(of: $of) { total id } }", PLAN)
TOTALS = FakeSubgraph(entities_by(lambda item: {"total": int(item["id"]) * 10}))


def order(number: int) -> dict[str, object]:
    return {"data": {"changed": {"__typename": "Order", "id": str(number)}}}


async def results(stream: FakeSubgraph) -> list[ExecutionResult]:
    context = ExecutionContext({"b": TOTALS}, {"a": stream})
    return [result async for result in subscribe(READY, {"of": "7"}, context)]


async def test_each_event_is_a_result_of_its_own() -> None:
    stream = FakeSubgraph(events=[order(1), {"data": {"changed": None}}, order(2)])
    assert await results(stream) == [
        ExecutionResult({"changed": {"total": 10, "id": "1"}}),
        ExecutionResult({"changed": None}),
        ExecutionResult({"changed": {"total": 20, "id": "2"}}),
    ]
    assert stream.asked == [{"query": DOCUMENT, "variables": {"of": "7"}}]


async def test_an_event_with_an_error_does_not_end_the_stream() -> None:
    stream = FakeSubgraph(events=[{"data": None, "errors": [{"message": "no"}]}, order(1)])
    first, second = await results(stream)
    assert first.data == {"changed": None}
    assert [error["path"] for error in first.errors] == [["changed"]]
    assert second == ExecutionResult({"changed": {"total": 10, "id": "1"}})


async def test_a_broken_stream_ends_with_an_error() -> None:
    class Breaking(FakeSubgraph):
        async def subscribe(self, request):  # type: ignore[no-untyped-def]
            yield order(1)
            raise StreamBrokenError("hung up")

    first, last = await results(Breaking())
    assert first.data == {"changed": {"total": 10, "id": "1"}}
    assert last.data is None
    assert [error["extensions"]["code"] for error in last.errors] == ["SUBREQUEST_WEBSOCKET_ERROR"]


async def test_a_subgraph_without_streams_is_an_error() -> None:
    [only] = [result async for result in subscribe(READY, {}, ExecutionContext({}))]
    assert [error["extensions"]["service"] for error in only.errors] == ["a"]


async def test_leaving_closes_the_upstream_at_once() -> None:
    stream = FakeSubgraph(events=[order(1), order(2)])
    context = ExecutionContext({"b": TOTALS}, {"a": stream})
    async with aclosing(subscribe(READY, {}, context)) as events:
        await anext(events)
        assert stream.open_stream_count == 1
    assert stream.open_stream_count == 0

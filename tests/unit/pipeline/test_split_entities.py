"""Fetches of more entities than a subgraph takes at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.execution.model import ExecutionResult
from router.pipeline.split_entities import SplitLayer
from router.plan.nodes import Fetch, Sequence
from router.transport.errors import ConnectFailedError
from router.transport.model import SubgraphRequest, SubgraphResponse
from tests.kit.fake_subgraph import Answer, FakeSubgraph, data, entities_by
from tests.unit.execution.setting import answer, entity_fetch, on
from tests.unit.execution.test_joining import SHOP

pytestmark = pytest.mark.anyio
QUERY = "query($representations: [_Any!]!, $n: Int) { _entities(representations: $representations) { ... on P { x } } }"


def representations(count: int) -> list[dict[str, Any]]:
    return [{"__typename": "P", "id": n, "of": {"__typename": "Q"}} for n in range(count)]


def request(query: str = QUERY, *, is_repeatable: bool = True, **variables: Any) -> SubgraphRequest:
    body = json.dumps({"query": query, "variables": variables}, separators=(",", ":"))
    return SubgraphRequest("p", body.encode(), (("x-a", "1"),), is_repeatable)


def entity(item: dict[str, Any]) -> dict[str, Any]:
    return {"x": item["id"]}


def by_id(body: dict[str, Any]) -> Any:
    return {"data": {"_entities": [entity(item) for item in body["variables"]["representations"]]}}


async def send(answer: Answer, asked: SubgraphRequest, max_count: int = 3) -> tuple[FakeSubgraph, Any]:
    subgraph = FakeSubgraph(answer)
    response = await SplitLayer(subgraph, max_count).send(asked)
    return subgraph, (json.loads(response.body) if response.status == 200 else response.status)


async def test_entities_come_back_in_the_order_of_their_representations() -> None:
    subgraph, body = await send(by_id, request(representations=representations(8), n=5))
    assert body == {"data": {"_entities": [{"x": n} for n in range(8)]}}
    assert [len(variables["representations"]) for variables in subgraph.variables] == [3, 3, 2]
    assert all(variables["n"] == 5 for variables in subgraph.variables)
    assert all(sent.headers == (("x-a", "1"),) for sent in subgraph.requests)


@pytest.mark.parametrize("count", [0, 2, 3])
async def test_what_is_not_too_much_goes_as_it_is(count: int) -> None:
    asked = request(representations=representations(count))
    subgraph, body = await send(by_id, asked)
    assert (len(body["data"]["_entities"]), subgraph.requests) == (count, [asked])
    assert subgraph.requests[0].body is asked.body


async def test_each_list_of_a_request_for_several_is_split() -> None:
    query = "{ a: _entities(representations: $a) { x } _1:_entities(representations:$b) { x } }"
    answer = lambda body: {  # noqa: E731
        "data": {"a": list(map(entity, body["variables"]["a"])), "_1": list(map(entity, body["variables"]["b"]))}
    }
    subgraph, body = await send(answer, request(query, a=representations(7), b=representations(4)))
    assert body["data"] == {"a": [{"x": n} for n in range(7)], "_1": [{"x": n} for n in range(4)]}
    assert [(len(sent["a"]), len(sent["b"])) for sent in subgraph.variables] == [(3, 3), (3, 1), (1, 0)]


async def test_a_field_that_is_switched_off_stays_away() -> None:
    query = "{ a: _entities(representations: $a) { x } b: _entities(representations: $b) @include(if: $on) { x } }"
    answer = lambda body: {"data": {"a": list(map(entity, body["variables"]["a"]))}}  # noqa: E731
    _, body = await send(answer, request(query, a=representations(4), b=[], on=False))
    assert body["data"] == {"a": [{"x": n} for n in range(4)], "b": []}


async def test_errors_name_the_place_in_the_whole_list() -> None:
    def answer(body: dict[str, Any]) -> Any:
        errors = [{"message": "no", "path": ["_entities", 1, "x"]}, {"message": "slow"}]
        return {**by_id(body), "errors": errors if body["variables"]["representations"][0]["id"] == 3 else []}

    _, body = await send(answer, request(representations=representations(6)))
    assert body["errors"] == [{"message": "no", "path": ["_entities", 4, "x"]}, {"message": "slow"}]


@pytest.mark.parametrize("nulled", [None, {"_entities": None}])
async def test_a_part_that_is_null_with_an_error_leaves_the_others(nulled: object) -> None:
    def answer(body: dict[str, Any]) -> Any:
        is_second = body["variables"]["representations"][0]["id"] == 3
        return {"data": nulled, "errors": [{"message": "no"}]} if is_second else by_id(body)

    _, body = await send(answer, request(representations=representations(7)))
    assert body["data"] == {"_entities": [{"x": 0}, {"x": 1}, {"x": 2}, None, None, None, {"x": 6}]}
    assert body["errors"] == [{"message": "no"}]


async def test_a_part_that_fails_is_the_answer() -> None:
    def answer(failure: object) -> Answer:
        return lambda body: failure if body["variables"]["representations"][0]["id"] == 3 else by_id(body)

    asked = request(representations=representations(4))
    assert (await send(answer(SubgraphResponse(503, b"")), asked))[1] == 503
    assert (await send(answer({"data": {"_entities": None}}), asked))[1] == {"data": {"_entities": None}}
    with pytest.raises(ConnectFailedError, match="no route"):
        await send(answer(ConnectFailedError("no route")), asked)


async def test_mutations_are_never_split() -> None:
    asked = request(is_repeatable=False, representations=representations(5))
    subgraph, _ = await send(by_id, asked)
    assert subgraph.requests == [asked]


async def test_the_requests_of_plans_are_split_interpreted_and_compiled() -> None:
    a = FakeSubgraph(data(tops=[{"__typename": "Product", "upc": str(n)} for n in range(7)]))
    b = FakeSubgraph(entities_by(lambda item: {"stock": int(item["upc"])}))
    plan = Sequence(
        (
            Fetch(0, "a", "{ tops { __typename upc } }"),
            entity_fetch(1, "b", "tops.@", on("Product", "upc"), "stock", (0,)),
        )
    )
    result = await answer(SHOP, "{ tops { stock } }", plan, {"a": a, "b": SplitLayer(b, 3)})
    assert result == ExecutionResult({"tops": [{"stock": n} for n in range(7)]})
    assert [len(variables["representations"]) for variables in b.variables] == [3, 3, 1] * 2  # each ran it once

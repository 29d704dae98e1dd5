"""Errors of subgraphs and of the way to them: where the client finds them, and what it is told."""

import asyncio
from typing import Any

import pytest

from router.execution.errors import NO_MESSAGE
from router.execution.model import REDACT_ERRORS, ErrorPolicy
from router.plan.nodes import BatchFetch, EntityBatch, Fetch, Key, RenameKey, Sequence
from router.transport.errors import ConnectFailedError, RequestTimedOutError
from router.transport.model import SubgraphResponse
from tests.kit.fake_subgraph import FakeSubgraph, data, entities
from tests.unit.execution.setting import answer, entity_fetch, on, path, supergraph

pytestmark = pytest.mark.anyio

GRAPH = supergraph("""
type Query @join__type(graph: A) @join__type(graph: B) {
  tops: [Product] @join__field(graph: A)
  best: Product @join__field(graph: A)
}
type Product @join__type(graph: A, key: "upc") @join__type(graph: B, key: "upc") {
  upc: ID!
  stock: Int @join__field(graph: B)
  exact: Int! @join__field(graph: B)
}
""")
TOPS = Fetch(0, "a", "{ tops { __typename upc } }")
PLAN = Sequence((TOPS, entity_fetch(1, "b", "tops.@", on("Product", "upc"), "stock", (0,))))
THREE = FakeSubgraph(data(tops=[{"__typename": "Product", "upc": upc} for upc in ("1", "2", "1")]))


def failed(reason: str, **more: Any) -> dict[str, Any]:
    return {
        "message": f"HTTP fetch failed from 'b': {reason}",
        "extensions": {"code": "SUBREQUEST_HTTP_ERROR", "service": "b", "reason": reason, **more},
        "path": ["tops"],
    }


def malformed(reason: str) -> dict[str, Any]:
    return {
        "message": f"service 'b' response was malformed: {reason}",
        "extensions": {"code": "SUBREQUEST_MALFORMED_RESPONSE", "service": "b", "reason": reason},
        "path": ["tops"],
    }


async def test_an_error_of_an_entity_is_found_at_every_place_the_entity_is() -> None:
    error = {"message": "no stock", "path": ["_entities", 0, "stock"], "locations": [], "extensions": {"code": "X"}}
    b = FakeSubgraph(lambda body: {"data": {"_entities": [None, {"stock": 2}]}, "errors": [error]})

    result = await answer(GRAPH, "{ tops { stock } }", PLAN, {"a": THREE, "b": b})

    assert result.data == {"tops": [{"stock": None}, {"stock": 2}, {"stock": None}]}
    assert result.errors == tuple(
        {"message": "no stock", "extensions": {"code": "X", "service": "b"}, "path": ["tops", index, "stock"]}
        for index in (0, 2)
    )


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (ConnectFailedError("no route"), failed("no route")),
        (
            RequestTimedOutError("no response within 1 s"),
            {
                "message": "Your request has been timed out",
                "extensions": {"code": "GATEWAY_TIMEOUT", "service": "b", "reason": "no response within 1 s"},
                "path": ["tops"],
            },
        ),
        (SubgraphResponse(429, b"slow down"), failed("429: Too Many Requests", http={"status": 429})),
        (SubgraphResponse(599, b"[]"), failed("599", http={"status": 599})),
        (SubgraphResponse(200, b"[]"), malformed("the body is not a GraphQL response")),
        (SubgraphResponse(200, b"{}"), malformed("the body is not a GraphQL response")),
        (SubgraphResponse(200, b'{"data":1}'), malformed("data is not an object")),
        (SubgraphResponse(200, b'{"data":{},"errors":{"message":"x"}}'), malformed("errors is no list")),
        ({"data": {}}, malformed("_entities is not a list with one item for each representation")),
        ({"data": {"_entities": [{}]}}, malformed("_entities is not a list with one item for each representation")),
        ({"data": {"_entities": [{}, 1]}}, malformed("an entity is not an object")),
        (
            SubgraphResponse(400, b'{"errors":[{"message":"bad","extensions":{"code":"C"}}]}'),
            {"message": "bad", "extensions": {"code": "C", "service": "b", "http": {"status": 400}}, "path": ["tops"]},
        ),
        (
            {"errors": ["odd"]},
            {"message": "odd", "extensions": {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "b"}, "path": ["tops"]},
        ),
    ],
)
async def test_a_failed_entity_fetch_is_one_error_and_the_rest_of_the_data_stays(
    response: Any, error: dict[str, Any]
) -> None:
    b = FakeSubgraph(lambda body: response)
    result = await answer(GRAPH, "{ tops { upc stock } }", PLAN, {"a": THREE, "b": b})
    assert result.data == {
        "tops": [{"upc": "1", "stock": None}, {"upc": "2", "stock": None}, {"upc": "1", "stock": None}]
    }
    assert result.errors == (error,)


async def test_an_error_that_points_nowhere_is_not_lost() -> None:
    b = FakeSubgraph(
        lambda body: {"data": {"_entities": [{}, {}]}, "errors": [{"message": "x", "path": ["_entities", 7]}]}
    )
    result = await answer(GRAPH, "{ tops { stock } }", PLAN, {"a": THREE, "b": b})
    assert [(error["message"], error["path"]) for error in result.errors] == [("x", ["tops"])]


async def test_thousands_of_errors_take_no_more_than_their_number() -> None:
    count = 5000
    a = FakeSubgraph(data(tops=[{"__typename": "Product", "upc": str(number)} for number in range(count)]))
    errors = [{"message": "x", "path": ["_entities", number, "exact"]} for number in range(0, count, 2)]
    b = FakeSubgraph(lambda body: {"data": {"_entities": [None] * count}, "errors": errors})
    plan = Sequence((TOPS, entity_fetch(1, "b", "tops.@", on("Product", "upc"), "exact", (0,))))
    async with asyncio.timeout(20):
        result = await answer(GRAPH, "{ tops { exact } }", plan, {"a": a, "b": b})
    assert result.data == {"tops": [None] * count}
    assert len(result.errors) == count


async def test_what_is_not_json_is_malformed() -> None:
    b = FakeSubgraph(lambda body: SubgraphResponse(200, b"<html>"))
    result = await answer(GRAPH, "{ tops { stock } }", PLAN, {"a": THREE, "b": b})
    assert result.errors[0]["extensions"]["code"] == "SUBREQUEST_MALFORMED_RESPONSE"


async def test_an_unresolved_entity_with_a_non_null_field_is_an_error() -> None:
    plan = Sequence((TOPS, entity_fetch(1, "b", "tops.@", on("Product", "upc"), "exact", (0,))))
    b = FakeSubgraph(entities(None, {"exact": 2}))
    result = await answer(GRAPH, "{ tops { exact } }", plan, {"a": THREE, "b": b})
    assert result.data == {"tops": [None, {"exact": 2}, None]}
    assert [error["path"] for error in result.errors] == [["tops", 0, "exact"], ["tops", 2, "exact"]]


async def test_after_a_failed_fetch_what_depends_on_it_is_not_asked() -> None:
    a = FakeSubgraph(lambda body: ConnectFailedError("down"))
    result = await answer(GRAPH, "{ tops { stock } }", PLAN, {"a": a, "b": FakeSubgraph()})
    assert result.data == {"tops": None}
    assert [(error["path"], error["extensions"]["service"]) for error in result.errors] == [(["tops"], "a")]


async def test_a_failed_fetch_of_several_root_fields_is_one_error_without_a_path() -> None:
    a = FakeSubgraph(lambda body: {"errors": [{"message": "down"}], "data": None})
    plan = Fetch(0, "a", "{ tops { upc } best { upc } }")
    result = await answer(GRAPH, "{ tops { upc } best { upc } }", plan, {"a": a})
    assert result.data == {"tops": None, "best": None}
    assert result.errors == ({"message": "down", "extensions": {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "a"}},)


async def test_an_error_that_nulls_a_whole_answer_explains_its_neighbours_too() -> None:
    graph = supergraph("type Query @join__type(graph: A) { one: Int! two: Int! }")
    error = {"message": "too many", "path": ["second"], "extensions": {"code": "RATE_LIMITED"}}
    a = FakeSubgraph(lambda body: {"data": None, "errors": [error]})

    result = await answer(graph, "{ first: one second: two }", Fetch(0, "a", "{ first: one second: two }"), {"a": a})

    assert result.data is None
    assert result.errors == (
        {"message": "too many", "extensions": {"code": "RATE_LIMITED", "service": "a"}, "path": ["second"]},
    )


async def test_an_invented_alias_never_shows_in_a_path() -> None:
    error = {"message": "no", "path": ["_entities", 0, "stock_1"]}
    b = FakeSubgraph(lambda body: {"data": {"_entities": [None]}, "errors": [error]})
    a = FakeSubgraph(data(best={"__typename": "Product", "upc": "1"}))
    rename = RenameKey((Key("stock_1"),), "stock")
    fetch = entity_fetch(1, "b", "best", on("Product", "upc"), "stock_1: stock", (0,), output_rewrites=(rename,))
    plan = Sequence((Fetch(0, "a", "{ best { __typename upc } }"), fetch))
    result = await answer(GRAPH, "{ best { stock } }", plan, {"a": a, "b": b})
    assert [error["path"] for error in result.errors] == [["best", "stock"]]


async def test_an_error_of_a_batch_belongs_to_the_entry_its_path_names() -> None:
    tops, best = (
        EntityBatch(alias, variable, (path(at),), (on("Product", "upc"),))
        for alias, variable, at in (("_e0", "r0", "tops.@"), ("_e1", "r1", "best"))
    )
    document = (
        "query($r0: [_Any!]!, $r1: [_Any!]!) { _e0: _entities(representations: $r0) { ... on Product { stock } } "
        "_e1: _entities(representations: $r1) { ... on Product { stock } } }"
    )
    batch = BatchFetch(1, "b", document, (tops, best), depends_on=(0,))
    plan = Sequence((Fetch(0, "a", "{ tops { __typename upc } best { __typename upc } }"), batch))
    product = {"__typename": "Product", "upc": "1"}
    a = FakeSubgraph(data(tops=[product], best=product))
    error = {"message": "no", "path": ["_e1", 0, "stock"]}
    b = FakeSubgraph(lambda body: {"data": {"_e0": [{"stock": 1}], "_e1": [{"stock": None}]}, "errors": [error]})
    result = await answer(GRAPH, "{ tops { stock } best { stock } }", plan, {"a": a, "b": b})
    assert result.data == {"tops": [{"stock": 1}], "best": {"stock": None}}
    assert [error["path"] for error in result.errors] == [["best", "stock"]]


# --- redaction -----------------------------------------------------------------------------------------------------

SECRET = {"message": "password is x", "extensions": {"code": "C", "trace": "t", "hint": "h"}}


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        (REDACT_ERRORS, {"message": "Subgraph errors redacted", "extensions": {}, "path": ["tops"]}),
        (
            ErrorPolicy(redact_message=True, allow_extensions=frozenset({"hint"})),
            {
                "message": "Subgraph errors redacted",
                "extensions": {"code": "C", "hint": "h", "service": "a"},
                "path": ["tops"],
            },
        ),
        (
            ErrorPolicy(deny_extensions=frozenset({"trace", "service"})),
            {"message": "password is x", "extensions": {"code": "C", "hint": "h"}, "path": ["tops"]},
        ),
    ],
)
async def test_the_policy_decides_what_clients_read(policy: ErrorPolicy, error: dict[str, Any]) -> None:
    a = FakeSubgraph(lambda body: {"errors": [SECRET]})
    result = await answer(GRAPH, "{ tops { upc } }", TOPS, {"a": a}, error_policy_for=lambda subgraph: policy)
    assert result.errors == (error,)


async def test_a_redacted_failure_still_says_that_something_is_down() -> None:
    a = FakeSubgraph(lambda body: ConnectFailedError("10.0.0.7 refused"))
    result = await answer(GRAPH, "{ tops { upc } }", TOPS, {"a": a}, error_policy_for=lambda subgraph: REDACT_ERRORS)
    assert result.errors == (
        {"message": "Subgraph errors redacted", "extensions": {"code": "SUBREQUEST_HTTP_ERROR"}, "path": ["tops"]},
    )


@pytest.mark.parametrize(
    ("error", "message", "more_path"),
    [
        (None, NO_MESSAGE, []),
        ("plain text", "plain text", []),
        ({}, NO_MESSAGE, []),
        ({"message": None, "extensions": {"code": None}}, NO_MESSAGE, []),
        ({"message": {"de": "nein"}, "path": "tops", "extensions": []}, NO_MESSAGE, []),
        ({"message": "no", "path": ["tops", 1, True, "upc"]}, "no", [1]),
        ({"message": "no", "path": ["tops", 1.5]}, "no", []),
    ],
)
async def test_what_a_subgraph_says_of_an_error_is_taken_only_where_it_makes_sense(
    error: object, message: str, more_path: list[int]
) -> None:
    a = FakeSubgraph(lambda body: {"data": {"tops": None}, "errors": [error]})

    result = await answer(GRAPH, "{ tops { stock } }", PLAN, {"a": a, "b": FakeSubgraph()})

    extensions = {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "a"}
    assert result.errors == ({"message": message, "path": ["tops", *more_path], "extensions": extensions},)


async def test_a_failed_fetch_explains_a_field_that_stands_in_a_fragment_too() -> None:
    a = FakeSubgraph(lambda body: ConnectFailedError("nobody listens"))
    document = "query ($p: Boolean!, $q: Boolean!) { ... @include(if: $p) { tops @include(if: $q) { upc } } }"

    result = await answer(GRAPH, document, Fetch(0, "a", document), {"a": a}, {"p": True, "q": True})

    assert [error["path"] for error in result.errors] == [["tops"]]

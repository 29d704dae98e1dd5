"""Clients are told when a mutation's answer is that of an earlier request, and of nothing else in `extensions`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.unit.pipeline.setting import router

pytestmark = pytest.mark.anyio

CONFIG = "override_subgraph_url: {tiny: 'asgi://tests.unit.pipeline.test_replays:make_subgraph'}"


def make_subgraph() -> ASGIApp:
    """Its extensions are the header `x-extensions` of the request; every other field of `Mutation` is null."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads((await receive())["body"])
        extensions = next((value for name, value in scope["headers"] if name == b"x-extensions"), b"{}")
        data = '{"ping":"pong","count":1}' if "mutation" in body["query"] else '{"count":1}'
        text = b'{"data":' + data.encode() + b',"extensions":' + extensions + b"}"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer(scope, receive, send)

    return app


async def extensions_of(query: str, of_subgraph: dict[str, Any], times: int = 1) -> Any:
    config = f"{CONFIG}\nheaders: {{all: {{request: [{{propagate: {{named: x-extensions}}}}]}}}}"
    async with router(config) as client:
        replies = [await client.post(query, headers={"x-extensions": json.dumps(of_subgraph)}) for _ in range(times)]
    assert "errors" not in replies[-1].json
    return replies[-1].json.get("extensions")


@pytest.mark.parametrize("times", [1, 3])  # the first time the plan is interpreted, later it is compiled
async def test_a_replayed_mutation_is_marked_and_nothing_else_of_the_subgraph_s_extensions_is_passed_on(
    times: int,
) -> None:
    given = {"idempotentReplay": True, "cost": 12}
    assert await extensions_of("mutation { ping }", given, times) == {"idempotentReplay": True}


@pytest.mark.parametrize("value", [False, None, "true", 1])
async def test_only_true_is_a_mark(value: object) -> None:
    assert await extensions_of("mutation { ping }", {"idempotentReplay": value}) is None


async def test_queries_are_not_marked() -> None:
    assert await extensions_of("{ count }", {"idempotentReplay": True}) is None


async def test_the_word_in_the_data_is_no_mark() -> None:
    assert await extensions_of("mutation { ping }", {"note": "idempotentReplay"}) is None

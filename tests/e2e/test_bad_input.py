"""What clients get wrong is answered with a GraphQL error and a code, never with a 500 or a traceback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.kit.started_shop import StartedShop

pytestmark = pytest.mark.anyio

EXPIRED = (
    "eyJhbGciOiJFZERTQSIsImtpZCI6InVua25vd24iLCJ0eXAiOiJKV1QifQ."
    "eyJzdWIiOiJ1c3JfMSIsImlzcyI6InB1bm5ldCIsImF1ZCI6InB1bm5ldC1hcGkiLCJpYXQiOjEsImV4cCI6Mn0.c2ln"
)


def graphql(query: str, variables: Any = None) -> dict[str, Any]:
    return {"json": {"query": query, "variables": variables}}


CASES: dict[str, tuple[dict[str, Any], int]] = {
    "not JSON": ({"content": b"{nope", "headers": {"content-type": "application/json"}}, 400),
    "no query": ({"json": {}}, 400),
    "not an object": ({"json": [1]}, 400),
    "a body of another type": ({"content": b"hello", "headers": {"content-type": "application/xml"}}, 415),
    "a form of another site": ({"content": b"hello", "headers": {"content-type": "text/plain"}}, 400),
    "a syntax error": (graphql("{ me { "), 400),
    "an unknown field": (graphql("{ me { nope } }"), 400),
    "a variable of the wrong type": (
        graphql("query($n: Int!) { products(first: $n) { nodes { id } } }", {"n": "x"}),
        400,
    ),
    "a missing variable": (graphql("query($n: Int!) { products(first: $n) { nodes { id } } }"), 400),
    "3,000 levels": (graphql("{ me " * 3000 + "}" * 3000), 400),
    "20,000 aliases": (graphql("{" + " ".join(f"a{n}: __typename" for n in range(20_000)) + "}"), 400),
    "a fragment that uses itself": (graphql("{ me { ...A } } fragment A on User { ...A }"), 400),
    "a token of an unknown key": ({**graphql("{ me { id } }"), "headers": {"authorization": f"Bearer {EXPIRED}"}}, 401),
    "no token at all": ({**graphql("{ me { id } }"), "headers": {"authorization": "Bearer x"}}, 401),
    "an identifier of nothing": (graphql('{ product(id: "nonsense") { id } }'), 200),
    "a negative page": (graphql("{ products(first: -1) { nodes { id } } }"), 200),
    "a made-up cursor": (graphql('{ products(first: 1, after: "nope") { nodes { id } } }'), 200),
}


@pytest.fixture
async def http(shop: StartedShop) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=shop.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("case", CASES)
async def test_bad_input_gets_an_error_with_a_code(http: httpx2.AsyncClient, case: str) -> None:
    request, status = CASES[case]
    answer = await http.post("/graphql", **request)
    assert answer.status_code == status, answer.text
    errors = answer.json().get("errors", [])
    assert all(error["extensions"]["code"] not in ("", "INTERNAL_ERROR") for error in errors), errors
    assert errors or status == 200
    assert "Traceback" not in answer.text
    assert "asyncpg" not in answer.text


async def test_entities_are_closed_to_everybody_but_the_router(shop: StartedShop, http: httpx2.AsyncClient) -> None:
    answer = await http.post("/graphql", **graphql("{ _entities(representations: []) { __typename } }"))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "GRAPHQL_VALIDATION_FAILED")

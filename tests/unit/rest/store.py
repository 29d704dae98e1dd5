"""A little store behind a router with REST documents a test gives, and an exchange for its secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from graphql import build_schema, graphql
from starlette.types import ASGIApp, Receive, Scope, Send

from router.compose import SubgraphDefinition, compose
from router.config import parse_config
from router.server.app import create_router_app
from tests.kit.asgi import Client, running

_TYPES = """
scalar Decimal
enum Size { SMALL LARGE }
"A thing for sale"
type Product { "Opaque" id: ID! name: String! price: Money! note: String maker: Maker @AUTH }
type Maker { name: String! }
type Money { amount: Decimal! currency: String! }
type Page { nodes: [Product!]! pageInfo: PageInfo! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
input LineInput { productId: ID! quantity: Int! giftNotes: [String!] }
interface UserError { message: String! path: [String!] }
type SoldOutError implements UserError { message: String! path: [String!] left: Int! }
type NotFoundError implements UserError { message: String! path: [String!] }
type Order { audit: String @AUTH id: ID! key: String! customer: ID lines: [Line!]! token: String }
type Line { productId: ID! quantity: Int! giftNotes: [String!] }
union OrderError = SoldOutError | NotFoundError
type OrderPayload { order: Order errors: [OrderError!]! }
type Query {
  product(id: ID!, size: Size = SMALL): Product
  products(first: Int = 2, after: String, sizes: [Size!], isNew: Boolean, cheaperThan: Float, cheaperBy: Decimal): Page!
  secret: String @AUTH
  broken: String
  madeCount: Int!
}
type Mutation {
  charge(token: String!): String! @AUTH
  order(lines: [LineInput!]!, key: String!, customer: ID, token: String): OrderPayload!
}
"""
SUBGRAPH = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])'
    + _TYPES.replace("@AUTH", "@authenticated")
)
_PLAIN = _TYPES.replace("@AUTH", "")
_PRODUCT = {"id": "p1", "name": "Jam", "price": {"amount": "4.50", "currency": "EUR"}, "note": None}


class _Root:
    def __init__(self, made: list[str]) -> None:
        self._made = made

    def madeCount(self, info: Any) -> int:  # noqa: N802 - as the schema calls it
        return len(self._made)

    def product(self, info: Any, size: str, **key: str) -> Any:
        return {**_PRODUCT, **key, "note": size} if key["id"] != "none" else None

    def products(self, info: Any, first: int, **said: Any) -> Any:
        return {
            "nodes": [{**_PRODUCT, "note": orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()}] * first,
            "pageInfo": {"hasNextPage": "after" not in said, "endCursor": "c&1" if first else None},
        }

    def secret(self, info: Any) -> str:
        return "s"

    def broken(self, info: Any) -> str:
        raise RuntimeError("no")

    def order(
        self, info: Any, lines: list[Any], key: str, customer: str | None = None, token: str | None = None
    ) -> Any:
        self._made.append(key)
        if lines[0]["quantity"] > 9:
            sold_out = {"__typename": "SoldOutError", "message": "Sold out", "path": ["lines"], "left": 9}
            return {"order": None, "errors": [sold_out]}
        if lines[0]["productId"] == "gone":
            gone = {"__typename": "NotFoundError", "message": "Gone", "path": ["lines", "0", "productId"]}
            return {"order": None, "errors": [gone, {**gone, "path": ["key"]}]}
        return {"order": {"id": "o/1", "key": key, "customer": customer, "lines": lines, "token": token}, "errors": []}


def create_store() -> ASGIApp:
    schema = build_schema(_PLAIN)
    made: list[str] = []

    async def answer(body: dict[str, Any]) -> tuple[int, Any]:
        result = await graphql(schema, body["query"], _Root(made), variable_values=body.get("variables"))
        return 200, result.formatted

    return _app(answer)


def create_vault() -> ASGIApp:
    """Gives a token for a card; refuses the number 0, and is at a loss with the number 5."""

    async def answer(body: dict[str, Any]) -> tuple[int, Any]:
        if body["card"]["number"] == "0":
            return 402, {"error": {"code": "incorrect_number", "message": "No such card."}}
        if body["card"]["number"] == "5":
            return 500, {}
        return 200, {"id": f"tok_{body['card']['number'][-4:]}_{body['card']['cvc']}"}

    return _app(answer)


def _app(answer: Any) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        status, content = await answer(orjson.loads((await receive())["body"]))
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": orjson.dumps(content)})

    return app


_CONFIG = """
rest:
  documents: {folder}
  names: snake_case
  statuses: {{SoldOutError: 409}}
  openapi: {{title: Store, scalars: {{Decimal: {{type: string, pattern: "^-?[0-9]+([.][0-9]+)?$"}}}}}}
  exchanges:
    vault:
      url: asgi://tests.unit.rest.store:create_vault
      headers: {{authorization: Bearer publishable}}
      fields: {{card_number: card.number, cvv: card.cvc}}
"""


@asynccontextmanager
async def store(folder: Path, documents: Mapping[str, str], more: str = "") -> AsyncIterator[Client]:
    """The router, with one file per document."""
    for name, text in documents.items():
        (folder / f"{name}.graphql").write_text(text)
    url = "asgi://tests.unit.rest.store:create_store"
    composed = compose([SubgraphDefinition("store", url, SUBGRAPH)])
    assert composed.supergraph_sdl is not None, composed.errors
    app = create_router_app(parse_config(_CONFIG.format(folder=folder) + more, {}), composed.supergraph_sdl)
    async with running(app) as client:
        yield client

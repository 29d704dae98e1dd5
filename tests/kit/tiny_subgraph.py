"""A subgraph over ASGI with a field for everything the router's HTTP tests look at, and its supergraph."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from graphql import build_schema, graphql, parse, subscribe
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SUPERGRAPH = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)
{ query: Query mutation: Mutation subscription: Subscription }
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(
  graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true,
  isInterfaceObject: Boolean! = false
) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(
  graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean,
  override: String, usedOverridden: Boolean, overrideLabel: String
) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @policy(policies: [[policy__Policy!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
scalar join__FieldSet
scalar link__Import
scalar requiresScopes__Scope
scalar policy__Policy
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { TINY @join__graph(name: "tiny", url: "asgi://tests.kit.tiny_subgraph:create_app") }

type Query @join__type(graph: TINY) {
  hello(name: String): String
  header(name: String!): String
  sleep(seconds: Float!): String
  boom: String
  count: Int
  user: User
  users: [User!]!
  found: [Found!]!
}
type Mutation @join__type(graph: TINY) { ping: String }
type Subscription @join__type(graph: TINY) {
  ticks(to: Int!, pause: Float): Int
  forever: Int
  header(name: String!): String
  diary: String @authenticated
}
type User @join__type(graph: TINY) {
  id: ID!
  name: String
  email: String @authenticated
  salary: Int! @requiresScopes(scopes: [["hr:read"], ["admin", "audit"]])
  diary: String @policy(policies: [["friend"]])
  boss: User
}
type Vault @join__type(graph: TINY) @authenticated { id: ID! }
union Found @join__type(graph: TINY) @join__unionMember(graph: TINY, member: "User")
  @join__unionMember(graph: TINY, member: "Vault") = User | Vault
"""

_SCHEMA = """
type Query {
  hello(name: String): String header(name: String!): String sleep(seconds: Float!): String boom: String count: Int
  user: User users: [User!]! found: [Found!]!
}
type Mutation { ping: String }
type Subscription { ticks(to: Int!, pause: Float): Int forever: Int header(name: String!): String diary: String }
type User { id: ID! name: String email: String salary: Int! diary: String boss: User }
type Vault { id: ID! }
union Found = User | Vault
"""
_BOSS = {
    "__typename": "User",
    "id": "2",
    "name": "Bo",
    "email": "bo@example.org",
    "salary": 9,
    "diary": "?",
    "boss": None,
}
_USER = {
    "__typename": "User",
    "id": "1",
    "name": "An",
    "email": "an@example.org",
    "salary": 5,
    "diary": "!",
    "boss": _BOSS,
}


class _Root:
    """Resolvers by name; `headers` are those of the request or of the handshake."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self.ping = "pong"
        self.count = 1
        self.user = _USER
        self.users = [_USER, _BOSS]
        self.found = [_USER, {"__typename": "Vault", "id": "9"}]

    def hello(self, info: Any, name: str = "world") -> str:
        return f"hello {name}"

    def header(self, info: Any, name: str) -> str | None:
        return self._headers.get(name)

    async def sleep(self, info: Any, seconds: float) -> str:
        print("asleep", flush=True)
        await asyncio.sleep(seconds)
        return "slept"

    def boom(self, info: Any) -> str:
        raise RuntimeError("password of the database is hunter2")


def create_app() -> ASGIApp:
    schema = build_schema(_SCHEMA)
    assert schema.subscription_type is not None
    for name, source in {"ticks": _ticks, "forever": _forever, "header": _header_event}.items():
        schema.subscription_type.fields[name].subscribe = source

    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope.get("headers", ())}
        match scope["type"]:
            case "lifespan":
                for step in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{step}.complete"})
            case "websocket":
                await receive()
                await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
                await _converse(schema, headers, receive, send)
            case _ if scope["method"] == "GET":
                asked.append(scope["path"])
                await _tell_health(scope["path"].rpartition("/")[2], len(asked), send)
            case _:
                body = orjson.loads(await _read(receive))
                result = await graphql(schema, body["query"], _Root(headers), variable_values=body.get("variables"))
                await send(
                    {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
                )
                await send({"type": "http.response.body", "body": orjson.dumps(result.formatted)})

    return app


async def _tell_health(state: str, count: int, send: Send) -> None:
    """Five ways to feel."""
    fine, bad = {"status": "ok", "error": None}, {"status": "failed", "error": "postgres://secret@db"}
    status, body = {
        "well": (200, {"status": "ok", "checks": {"postgres": fine, "nats": fine}}),
        "ill": (503, {"status": "unavailable", "checks": {"postgres": bad, "nats": fine, "http://db": bad}}),
        "counted": (200, {"status": "ok", "checks": {f"asked-{count}": fine}}),
        "bare": (200, None),
        "nowhere": (404, None),
    }.get(state, (500, None))
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": orjson.dumps(body) if body else b""})


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _converse(schema: Any, headers: Mapping[str, str], receive: Receive, send: Send) -> None:
    async def say(**message: Any) -> None:
        await send({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    while (message := await receive())["type"] != "websocket.disconnect":
        said = orjson.loads(message["text"])
        if said["type"] == "connection_init":
            await say(type="connection_ack")
        elif said["type"] == "subscribe":
            payload = said["payload"]
            found: Any = subscribe(
                schema, parse(payload["query"]), _Root(headers), variable_values=payload.get("variables")
            )
            events = await found if inspect.isawaitable(found) else found
            async for event in events:
                await say(id=said["id"], type="next", payload=event.formatted)
            await say(id=said["id"], type="complete")


async def _ticks(root: _Root, info: Any, to: int, pause: float = 0.0) -> AsyncGenerator[Message, None]:
    for number in range(1, to + 1):
        yield {"ticks": number}
        await asyncio.sleep(pause)


async def _forever(root: _Root, info: Any) -> AsyncGenerator[Message, None]:
    while True:
        yield {"forever": 1}
        await asyncio.sleep(0.01)


async def _header_event(root: _Root, info: Any, name: str) -> AsyncGenerator[Message, None]:
    yield {"header": root._headers.get(name)}

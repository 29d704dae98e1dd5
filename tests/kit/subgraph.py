"""A subgraph in this process: its real application on real PostgreSQL and NATS, asked as the router asks it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from starlette.applications import Starlette

from common.auth import ANONYMOUS, CONTEXT_HEADER, ContextSigner, Principal
from common.clock import SystemClock
from subgraphs.users.domain import Role, scopes_of
from tests.kit.template_database import DATABASE_PREFIX, copy_template

#: of accounts: a token that says so was issued before nothing
LATEST_VERSION = 2**31 - 1
SECRET = "a secret of the tests that is long enough"


def settings_of(postgres_url: str, nats_url: str) -> dict[str, Any]:
    """What every subgraph's settings need; give it to the settings class of one."""
    return {
        "context_secret": SECRET,
        "pii_keys": f"k1:{'1' * 64}",
        "database_url": postgres_url,
        "nats_url": nats_url,
        "database_pool_size": 5,
        "drain_timeout_s": 5.0,
        # on a slow machine nobody gives up on an answer that is on its way
        "command_timeout_s": 60.0,
    }


def fresh_database_name(subgraph: str) -> str:
    return f"{DATABASE_PREFIX}{subgraph}_{secrets.token_hex(4)}"


def as_user(user_id: str, *roles: Role) -> Principal:
    """The principal the router would find in an access token of that user, issued this moment."""
    return Principal(user_id, frozenset(role.value for role in roles), scopes_of(roles), account_version=LATEST_VERSION)


@dataclass(frozen=True, slots=True)
class SubgraphClient:
    """Asks `/graphql` in process; every call is a request with a signed context of its own."""

    app: Starlette
    http: httpx2.AsyncClient
    signer: ContextSigner

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, principal: Principal = ANONYMOUS
    ) -> dict[str, Any]:
        """The GraphQL response, errors and all."""
        response = await self.http.post(
            "/graphql", json={"query": document, "variables": variables or {}}, headers=self.headers(principal)
        )
        answer: dict[str, Any] = response.json()
        return answer

    async def data(
        self, document: str, variables: Mapping[str, Any] | None = None, principal: Principal = ANONYMOUS
    ) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self.execute(document, variables, principal)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def entities(
        self, selection: str, representations: Sequence[Mapping[str, Any]], principal: Principal = ANONYMOUS
    ) -> list[Any]:
        document = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ {selection} }} }}"
        found: list[Any] = (await self.data(document, {"r": representations}, principal))["_entities"]
        return found

    def headers(self, principal: Principal) -> dict[str, str]:
        return {CONTEXT_HEADER: self.signer.sign(principal)}

    @asynccontextmanager
    async def subscribe(
        self, document: str, variables: Mapping[str, Any] | None = None, principal: Principal = ANONYMOUS
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Payloads of a subscription over graphql-transport-ws."""
        async with websocket(self.app, self.headers(principal)) as (send, receive):
            await send({"type": "connection_init"})
            assert (await receive())["type"] == "connection_ack"
            await send({"id": "1", "type": "subscribe", "payload": {"query": document, "variables": variables or {}}})

            async def payloads() -> AsyncIterator[dict[str, Any]]:
                while (message := await receive())["type"] == "next":
                    yield message["payload"]

            yield payloads()


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[SubgraphClient]:
    """Runs the application's lifespan around the block."""
    await copy_template(app.state.runtime.database)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://subgraph") as http:
            yield SubgraphClient(app, http, ContextSigner(SECRET.encode(), SystemClock()))


@asynccontextmanager
async def websocket(app: Starlette, headers: Mapping[str, str]) -> AsyncIterator[Any]:
    """An ASGI WebSocket to /graphql: functions `send(message)` and `receive()` of JSON.

    `receive` returns `{"type": "close", "code": …}` when the other side closes.
    """
    to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": ["graphql-transport-ws"],
        "scheme": "ws",
        "state": {},
    }
    await to_app.put({"type": "websocket.connect"})

    async def send(message: Mapping[str, Any]) -> None:
        await to_app.put({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def receive() -> dict[str, Any]:
        async with asyncio.timeout(60):
            message = await from_app.get()
        if message["type"] == "websocket.accept":
            return await receive()
        if message["type"] == "websocket.close":
            return {"type": "close", "code": message["code"]}
        decoded: dict[str, Any] = orjson.loads(message["text"])
        return decoded

    serving = asyncio.create_task(app(scope, to_app.get, from_app.put))
    try:
        yield send, receive
    finally:
        await to_app.put({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(60):
            await serving

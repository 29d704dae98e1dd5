"""The GraphQL endpoint of a subgraph: HTTP POST and graphql-transport-ws, each request with its own context."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic

import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from common.subgraph.context import Context, LoadersT, ServiceT
from common.subgraph.schema import Schema
from common.subgraph.signed_context import principal_of

#: a router that opened a socket and says nothing within this is gone
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)


class GraphQLView(GraphQL[Context[Any, Any], None], Generic[ServiceT, LoadersT]):
    """Strawberry's ASGI view with our context, orjson and JSON errors. No GraphiQL, GET or batches: routers only."""

    def __init__(
        self, schema: Schema, new_context: Callable[[Request | WebSocket], Context[ServiceT, LoadersT]]
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=CONNECTION_INIT_TIMEOUT,
            max_subscriptions_per_connection=None,
        )
        self._new_context = new_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive=receive, send=send))
            return
        try:
            response = await self.run(Request(scope, receive=receive))
        except HTTPException as exc:
            error = {"message": exc.reason, "extensions": {"code": "BAD_REQUEST"}}
            response = JSONResponse({"errors": [error]}, status_code=exc.status_code)
        await response(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context[ServiceT, LoadersT]:
        return self._new_context(request)

    def parse_json(self, data: str | bytes) -> object:
        parsed = super().parse_json(data)
        if not isinstance(parsed, dict):
            raise HTTPException(400, "The body must be a JSON object with a query.")
        return parsed

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        # text, not bytes: Strawberry would send bytes as binary WebSocket frames
        return orjson.dumps(data).decode()


def context_factory(
    service: Callable[[], ServiceT], new_loaders: Callable[[ServiceT], LoadersT]
) -> Callable[[Request | WebSocket], Context[ServiceT, LoadersT]]:
    """`service` is asked per request: it exists only once the lifespan has begun."""

    def new_context(request: Request | WebSocket) -> Context[ServiceT, LoadersT]:
        return Context(principal_of(request.scope), service(), new_loaders)

    return new_context

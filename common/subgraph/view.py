"""The GraphQL endpoint of a subgraph: HTTP POST and graphql-transport-ws, each request with its own context.

What the router sends over HTTP is run compiled (`execution`); everything else takes Strawberry's way.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic

import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from common.errors import RequestTooLargeError
from common.subgraph.context import Context, LoadersT, ServiceT
from common.subgraph.refusal import refuse
from common.subgraph.replay import current_extensions, fill_extensions
from common.subgraph.revocations import Revocations
from common.subgraph.schema import Schema
from common.subgraph.signed_context import principal_of

#: a router that opened a socket and says nothing within this is gone
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)
#: a client's request and what the router adds, which is representations mostly; of WebSocket messages uvicorn says it
BODY_MAX_BYTES = 16 * 1024 * 1024


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
        self._schema = schema
        self._new_context = new_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive=receive, send=send))
            return
        try:
            body = await _read(receive)
        except RequestTooLargeError as exc:
            await refuse(scope, receive, send, exc)
            return
        if body is None:
            return
        fill_extensions({})
        request = Request(scope, receive=_again(body, receive))
        answer = await self._answer(request, body)
        if answer is None:
            answer = await self._by_strawberry(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request, body: bytes) -> Response | None:
        """None for what the compiled way does not take: unusual, faulty, or no GraphQL request at all."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            return None
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        match given:
            case {"query": str(text)} if not given.get("extensions"):
                variables, name = given.get("variables"), given.get("operationName")
            case _:
                return None
        if not isinstance(variables, dict | None) or not isinstance(name, str | None):
            return None
        answer = await self._schema.answer(text, variables or {}, name, self._new_context(request))
        if answer is None:
            return None
        if extensions := current_extensions():
            answer["extensions"] = extensions
        return Response(orjson.dumps(answer), media_type="application/json")

    async def _by_strawberry(self, request: Request) -> Response:
        try:
            return await self.run(request)
        except HTTPException as exc:
            error = {"message": exc.reason, "extensions": {"code": "BAD_REQUEST"}}
            return JSONResponse({"errors": [error]}, status_code=exc.status_code)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer = await super().process_result(request, result)
        if extensions := current_extensions():
            answer["extensions"] = {**(answer.get("extensions") or {}), **extensions}
        return answer

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
    service: Callable[[], ServiceT], new_loaders: Callable[[ServiceT], LoadersT], revocations: Revocations
) -> Callable[[Request | WebSocket], Context[ServiceT, LoadersT]]:
    """`service` is asked per request: it exists only once the lifespan has begun."""

    def new_context(request: Request | WebSocket) -> Context[ServiceT, LoadersT]:
        return Context(principal_of(request.scope), service(), new_loaders, revocations)

    return new_context


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the caller has gone away. Raises RequestTooLargeError, the rest unread."""
    parts: list[bytes] = []
    left = BODY_MAX_BYTES
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        left -= len(parts[-1])
        if left < 0:
            raise RequestTooLargeError(f"The body must have at most {BODY_MAX_BYTES} bytes.")
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already, then whatever comes."""
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def receive_again() -> Message:
        nonlocal message
        given, message = message, None
        return given if given is not None else await receive()

    return receive_again

"""The door of a subgraph: `/graphql` opens to callers with a valid signed context, and to nobody else.

Without it `_entities` would answer anyone who can reach the port. `/health` and `/metrics` stay open: they tell nothing
about users.
"""

from typing import cast

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from common.auth import CONTEXT_HEADER, ContextVerifier, Principal
from common.errors import UnauthenticatedError

GRAPHQL_PATH = "/graphql"
_SCOPE_KEY = "punnet.principal"


def principal_of(scope: Scope) -> Principal:
    """The caller, as `RequireSignedContext` found it."""
    return cast("Principal", scope[_SCOPE_KEY])


class RequireSignedContext:
    """ASGI middleware: 401 with a GraphQL error, or a refused WebSocket handshake."""

    def __init__(self, app: ASGIApp, verifier: ContextVerifier) -> None:
        self.app = app
        self.verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] != GRAPHQL_PATH:
            await self.app(scope, receive, send)
            return
        try:
            scope[_SCOPE_KEY] = self.verifier.verify(Headers(scope=scope).get(CONTEXT_HEADER))
        except UnauthenticatedError as exc:
            await _refuse(scope, receive, send, exc)
        else:
            await self.app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: UnauthenticatedError) -> None:
    body = orjson.dumps({"errors": [{"message": error.public_message, "extensions": {"code": error.code}}]})
    if scope["type"] == "http":
        kind = "http.response"
    elif "websocket.http.response" in scope.get("extensions", {}):
        await receive()
        kind = "websocket.http.response"
    else:
        # closing before accepting: the server answers the handshake with 403
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error.public_message})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": error.http_status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})

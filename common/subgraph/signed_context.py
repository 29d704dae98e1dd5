"""The door of a subgraph: `/graphql` and `/traces` open to callers with a valid signed context, and to nobody else:
not to those whose token has ended before its time, either.

Without it `_entities` would answer anyone who can reach the port. `/health` and `/metrics` stay open: they tell nothing
about users.
"""

from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from common.auth import CONTEXT_HEADER, ContextVerifier, Principal
from common.errors import UnauthenticatedError
from common.subgraph.refusal import refuse
from common.subgraph.revocations import Revocations
from common.subgraph.traces import TRACES_PATH

GRAPHQL_PATH = "/graphql"
_SCOPE_KEY = "punnet.principal"


def principal_of(scope: Scope) -> Principal:
    """The caller, as `RequireSignedContext` found it."""
    return cast("Principal", scope[_SCOPE_KEY])


def is_graphql(scope: Scope) -> bool:
    return scope["type"] in ("http", "websocket") and scope["path"] == GRAPHQL_PATH


def is_guarded(scope: Scope) -> bool:
    return is_graphql(scope) or (scope["type"] == "http" and scope["path"].startswith(TRACES_PATH))


class RequireSignedContext:
    """ASGI middleware: 401 with a GraphQL error, or a refused WebSocket handshake."""

    def __init__(self, app: ASGIApp, verifier: ContextVerifier, revocations: Revocations) -> None:
        self.app = app
        self.verifier = verifier
        self.revocations = revocations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_guarded(scope):
            try:
                principal = self.verifier.verify(Headers(scope=scope).get(CONTEXT_HEADER))
                self.revocations.require_valid(principal)
                scope[_SCOPE_KEY] = principal
            except UnauthenticatedError as exc:
                await refuse(scope, receive, send, exc)
                return
        await self.app(scope, receive, send)

"""Dropping a connection without an answer, as networks do: ASGI has no word for it, so the transport is taken by hand.

The outermost application puts the way to it into the scope, for uvicorn's `send` is a method of what holds the
transport.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_ABORT = "punnet.abort"


class Droppable:
    """Outermost application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope[_ABORT] = transport.abort
        await self._app(scope, receive, send)


def drop(request: Request) -> bool:
    """False where the server does not show its transport."""
    abort: Callable[[], None] | None = request.scope.get(_ABORT)
    if abort is not None:
        abort()
    return abort is not None

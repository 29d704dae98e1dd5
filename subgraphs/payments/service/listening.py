"""Where the provider's messages come in: a route of ours, and a door of its own where our port is the router's.

In one process with the router, subgraphs have no port; then this one serves the route alone, on an address of its own.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from common.errors import UnavailableError
from common.webhooks import WebhookError
from subgraphs.payments.service.webhooks import Webhooks

PATH = "/webhooks/psp"
BODY_MAX = 256 * 1024
#: what a message is refused with: its bytes make no sense, or it is not to be believed
_STATUS_BY_REASON = {"malformed": 400, "stale": 400, "forged": 401}


def webhook_route(webhooks: Callable[[], Webhooks]) -> Route:
    """`webhooks` gives the running ones; raises UnavailableError before and after."""

    async def receive(request: Request) -> Response:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_MAX:
                    return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            await webhooks().receive(request.headers, bytes(body))
        except WebhookError as exc:
            return Response(status_code=_STATUS_BY_REASON[exc.reason])
        except UnavailableError:
            return Response(status_code=503)
        return Response(status_code=204)

    return Route(PATH, receive, methods=["POST"])


class _QuietServer(uvicorn.Server):
    """One that leaves signals to whoever has the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebhookListener:
    """Worker that serves the route at HOST:PORT. Several processes may share the address."""

    def __init__(self, address: str, webhooks: Callable[[], Webhooks]) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        config = uvicorn.Config(
            Starlette(routes=[webhook_route(webhooks)]),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        self._server = _QuietServer(config)

    def stop(self) -> None:
        self._server.should_exit = True

    async def run(self) -> None:
        listening = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        with listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind((self._host.strip("[]"), self._port))
            await self._server.serve(sockets=[listening])

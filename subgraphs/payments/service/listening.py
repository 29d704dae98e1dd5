"""Where the provider's messages come in: a route of ours, and a door of its own where our port is the router's.

In one process with the router, subgraphs have no port; then this one serves the route alone, on an address of its own.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from common.subgraph.runtime import Worker
from common.webhooks import WebhookError
from subgraphs.payments.service.webhooks import Webhooks

PATH = "/webhooks/psp"
BODY_MAX = 256 * 1024
_PAUSE_S = 1.0
#: what a message is refused with: its bytes make no sense, or it is not to be believed
_STATUS_BY_REASON = {"malformed": 400, "stale": 400, "forged": 401}

_log = structlog.get_logger(__name__)


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


@dataclass(slots=True)
class LastToClose:
    """Worker around workers: when all of them have ended, `close` is called."""

    workers: Sequence[Worker]
    close: Callable[[], Awaitable[None]]
    _is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        self._is_stopping = True
        for worker in self.workers:
            worker.stop()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for worker in self.workers:
                    tasks.create_task(self._keep_running(worker))
        finally:
            await self.close()

    async def _keep_running(self, worker: Worker) -> None:
        """One that fails is started again: the others go on."""
        while True:
            try:
                await worker.run()
            except Exception:
                # border: of a worker
                _log.exception("worker failed", worker=type(worker).__name__)
                if self._is_stopping:
                    return
                await asyncio.sleep(_PAUSE_S)
            else:
                return


@dataclass(slots=True)
class Sweeper:
    """Worker that calls `sweep` now and then."""

    sweep: Callable[[], Awaitable[None]]
    pause_s: float
    _stopped: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        while not self._stopped.is_set():
            await self.sweep()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.pause_s):
                    await self._stopped.wait()

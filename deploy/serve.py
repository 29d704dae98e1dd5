"""A subgraph or the sandbox as a process: an ASGI application under uvicorn, set up as our clients need it."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import structlog
import uvicorn
from pydantic import ValidationError
from starlette.types import ASGIApp

from common.collector import collection_paused, spare_the_collector
from common.settings import Settings
from common.stopping import end_well_on_signals
from common.telemetry import TraceRing, configure_logging, use_ring
from common.workers import bind, run_workers
from deploy.local.errors import LocalError

#: longer than any client of ours keeps an idle connection, so that none is closed under a request being sent
_KEEP_ALIVE_S = 75


def serve_subgraph(name: str, host: str, port: int, workers: int = 1) -> None:
    """Serve `subgraphs.<name>` until SIGINT or SIGTERM; requests under way are finished, WebSockets closed (1012).

    Raises LocalError when the port cannot be used, or the environment does not say what is needed.
    """
    with _environment_explained():
        settings = Settings()
    configure_logging(settings.log_level, service=f"punnet-{name}")
    with collection_paused():
        # before the workers are forked, so that they share what it takes
        create_app = importlib.import_module(f"subgraphs.{name}.app").create_app

    def serve(folder: Path | None) -> None:
        kept = settings.traces_kept
        ring = use_ring(TraceRing(max_traces=kept, workers=folder)) if kept else nullcontext()
        with ring, collection_paused(), _environment_explained():
            application = create_app()
        _serve(application, settings, listening)

    with _bound(host, port) as listening:
        structlog.get_logger(__name__).info("subgraph starts", address=f"http://{host}:{port}/graphql")
        run_workers(serve, workers)


def serve_sandbox(host: str, port: int) -> None:
    """Serve the sandbox until SIGINT or SIGTERM. Raises LocalError as `serve_subgraph` does."""
    from deploy.sandbox.app import create_sandbox_app

    with _environment_explained():
        settings, application = Settings(), create_sandbox_app()
    configure_logging(settings.log_level, service="punnet-sandbox")
    structlog.get_logger(__name__).info("sandbox starts", address=f"http://{host}:{port}")
    with _bound(host, port) as listening:
        _serve(application, settings, listening)


@contextmanager
def _environment_explained() -> Iterator[None]:
    """Settings that are missing or wrong, by the names of their variables."""
    try:
        yield
    except ValidationError as exc:
        lines = [f"  {_variable(error['loc'])}{error['msg'].removeprefix('Value error, ')}" for error in exc.errors()]
        raise LocalError("\n".join(["Settings in the environment (docs/operations.md lists them):", *lines])) from exc


def _variable(place: tuple[str | int, ...]) -> str:
    name = ".".join(map(str, place))
    return f"PUNNET_{name.upper()}: " if name.islower() else f"{name}: " if name else ""


def _bound(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as exc:
        raise LocalError(str(exc)) from exc


def _serve(application: ASGIApp, settings: Settings, listening: socket.socket) -> None:
    config = uvicorn.Config(
        application,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.drain_timeout_s),
    )
    end_well_on_signals()
    _Server(config).run([listening])


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_the_collector()

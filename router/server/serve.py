"""The process: uvicorn, with deadlines for slow clients and an end that does not wait for those who never leave."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from common.collector import spare_the_collector
from common.stopping import end_well_on_signals
from common.telemetry import Metrics, Telemetry, TelemetryMiddleware, TraceRing, configure_logging
from common.workers import bind, run_workers
from router.config import RouterConfig
from router.errors import ConfigurationError
from router.server.app import RouterApp
from router.server.protocol import protocol_with_deadline
from router.server.socket_protocol import RouterSocketProtocol

logger = logging.getLogger(__name__)
_GRACE_S = 10
#: longer than clients and balancers keep theirs, so that they close first and no request meets a closing connection
_KEEP_ALIVE_S = 75
_MAX_WEBSOCKET_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and where."""

    config: RouterConfig
    supergraph_sdl: str
    host: str
    port: int  #: 0 takes a free one
    log_level: str = "info"
    otlp_endpoint: str | None = None


def serve_forever(served: Served, workers: int = 1) -> None:
    """Until SIGTERM or SIGINT. Raises ConfigurationError when the supergraph or an address in it cannot be used,
    OSError when the port cannot."""
    configure_logging(served.log_level, service="router")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it tells of every socket
    with bind(served.host, served.port) as listening:
        run_workers(lambda folder: run_worker(served, listening, folder), workers)


def run_worker(served: Served, listening: socket.socket, folder: Path | None) -> None:
    """`folder` is for what workers of one port tell each other."""
    telemetry = Telemetry("router", otlp_endpoint=served.otlp_endpoint, ring=trace_ring(served.config, folder))
    metrics = Metrics()
    router = RouterApp(served.config, served.supergraph_sdl, metrics, telemetry=telemetry)
    app = TelemetryMiddleware(router, telemetry, metrics)
    server = make_server(app, on_stop=router.stop_streams, config=served.config)
    end_well_on_signals()
    try:
        server.run(sockets=[listening])
    except SystemExit as end:
        if router.failure is not None:
            raise ConfigurationError(router.failure) from None
        if end.code:
            raise


def trace_ring(config: RouterConfig, workers: Path | None) -> TraceRing | None:
    traces = config.telemetry.traces
    if not traces.enabled:
        return None
    return TraceRing(max_traces=traces.keep, max_per_second=traces.per_second, workers=workers)


class RouterServer(uvicorn.Server):
    """Tells the application at the first signal, since uvicorn itself waits for streams to end by themselves."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_the_collector()
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            logger.info("GraphQL endpoint at http://%s:%s/", f"[{host}]" if ":" in host else host, port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_stop()
        super().handle_exit(sig, frame)


def make_server(app: ASGIApp, *, on_stop: Callable[[], None], config: RouterConfig | None = None) -> RouterServer:
    """`server.run(sockets=[…])` serves until a signal. `on_stop` must end the streams."""
    config = config or RouterConfig()
    protocol = protocol_with_deadline(config.server.http.header_read_timeout, config.limits.http1_max_request_buf_size)
    of_uvicorn = uvicorn.Config(
        app,
        http=protocol,
        ws=RouterSocketProtocol,
        ws_max_size=_MAX_WEBSOCKET_BYTES,
        ws_per_message_deflate=False,  # a small frame must not become a large message
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # x-forwarded-for is read by rate_limit.trusted_proxies, and by nothing else
        log_config=None,
        lifespan="on",
    )
    return RouterServer(of_uvicorn, on_stop)

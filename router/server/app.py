"""The router as an ASGI application: to be served by `router.server.serve`, or mounted in another application."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from common.clock import Clock
from common.telemetry import Metrics, Telemetry, TelemetryMiddleware, answering_workers, metrics_endpoint, use_ring
from router.config import RouterConfig
from router.pipeline.engine import Engine, PolicyCheck, no_policies, open_engine
from router.rest import RestFace, open_face
from router.server.asgi import send_error
from router.server.cors import Cors
from router.server.health import SubgraphHealth, health_question, send_health
from router.server.http import serve_graphql
from router.server.pages import ASSETS, Pages
from router.server.rest import serve_rest
from router.server.traces import TracePages
from router.server.websocket import serve_websocket

logger = logging.getLogger(__name__)
_SAME_PLACE = frozenset({"/", "/graphql"})


def create_router_app(
    config: RouterConfig,
    supergraph_sdl: str,
    *,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    telemetry: Telemetry | None = None,
    check_policies: PolicyCheck = no_policies,
) -> RouterApp | ASGIApp:
    """With `telemetry`, every request has a span and a measured duration. The application opens its subgraphs when
    its lifespan starts; a supergraph or address that cannot be used fails the start."""
    metrics = metrics or Metrics(CollectorRegistry())
    app = RouterApp(config, supergraph_sdl, metrics, clock=clock, telemetry=telemetry, check_policies=check_policies)
    if telemetry is None:
        return app
    return TelemetryMiddleware(app, telemetry, metrics)


class RouterApp:
    """Routes by path; owns the engine between the lifespan's start and its end."""

    def __init__(
        self,
        config: RouterConfig,
        supergraph_sdl: str,
        metrics: Metrics,
        *,
        clock: Clock | None = None,
        telemetry: Telemetry | None = None,
        check_policies: PolicyCheck = no_policies,
    ) -> None:
        self.failure: str | None = None  #: why the lifespan could not start
        self._config = config
        self._open = partial(
            open_engine,
            config,
            supergraph_sdl,
            clock=clock,
            metrics=metrics,
            telemetry=telemetry,
            check_policies=check_policies,
        )
        self._engine: Engine | None = None
        self._rest: RestFace | None = None
        self._subgraph_health: SubgraphHealth | None = None
        self._clock = clock
        self._cors = Cors(config.cors)
        path = config.supergraph.path
        self._graphql_paths = _SAME_PLACE if path in _SAME_PLACE else frozenset({path})
        self._pages = Pages(config.sandbox, config.homepage, path)
        ring = telemetry.ring if telemetry is not None else None
        traces = config.telemetry.traces
        self._ring = ring
        self._traces = TracePages(traces, ring) if traces.enabled and ring is not None else None
        self._metrics_path = config.telemetry.exporters.metrics.prometheus
        self._metrics = metrics_endpoint(metrics.registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        engine = self._engine
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif engine is None:
            raise RuntimeError("the application's lifespan was not started")
        elif _path(scope) in self._graphql_paths:
            if scope["type"] == "websocket":
                await serve_websocket(engine, self._cors, scope, receive, send)
            elif self._pages.has_page and scope["method"] == "GET" and _is_browser(scope):
                await self._pages.send_page(send, _header(scope, b"host"))
            else:
                await serve_graphql(engine, self._cors, scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif self._rest is not None and self._rest.has(_path(scope)):
            await serve_rest(self._rest, self._cors, scope, receive, send)
        else:
            await self._serve_other(engine, scope, receive, send)

    async def _serve_other(self, engine: Engine, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._page(engine, scope, receive)
        if page is None:
            await send_error(send, 404, "NOT_FOUND", "Not found")
        elif scope["method"] not in ("GET", "HEAD"):  # the server leaves out the body of an answer to HEAD
            await send_error(send, 405, "METHOD_NOT_ALLOWED", "This path is for GET.", ((b"allow", b"GET, HEAD"),))
        else:
            await page(send)

    def _page(self, engine: Engine, scope: Scope, receive: Receive) -> Callable[[Send], Awaitable[None]] | None:
        path = _path(scope)
        health = self._config.health_check
        if health.enabled and (asked := health_question(path, scope["query_string"], health.path)) is not None:
            if asked == "" and self._subgraph_health is not None:
                return self._subgraph_health.send
            return partial(send_health, question=asked, is_ready=engine.is_ready)
        if self._traces is not None and self._traces.has(path):
            return partial(self._traces.serve, engine, scope, path)
        if self._metrics_path.enabled and path == self._metrics_path.path:
            return partial(self._metrics, scope, receive)
        if self._pages.has_assets and path.startswith(ASSETS):
            return partial(self._pages.send_asset, name=path.removeprefix(ASSETS))
        return None

    def stop_streams(self) -> None:
        """Subscriptions end, readiness says no; to be called when the server begins to shut down."""
        if self._engine is not None:
            self._engine.stopping.set()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                if self._ring is not None:
                    stack.enter_context(use_ring(self._ring))  # subgraphs that are opened in this process join
                    await stack.enter_async_context(answering_workers(self._ring))
                self._engine = await stack.enter_async_context(self._open())
                if (asked := self._config.health_check.subgraphs).enabled:
                    self._subgraph_health = SubgraphHealth(self._engine.pages, asked.path)
                if self._config.rest is not None:
                    face = open_face(self._config.rest, self._engine, clock=self._clock)
                    self._rest = await stack.enter_async_context(face)
            except Exception as exc:  # a border: the server prints the message and ends
                logger.debug("the router cannot start", exc_info=True)
                self.failure = str(exc)
                await send({"type": "lifespan.startup.failed", "message": str(exc)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.stop_streams()
            self._engine = self._rest = None
        await send({"type": "lifespan.shutdown.complete"})


def _path(scope: Scope) -> str:
    """The path below the place where this application is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _is_browser(scope: Scope) -> bool:
    """A page is wanted: HTML is accepted, and there is no query to answer."""
    return b"text/html" in _header(scope, b"accept").encode("latin-1") and b"query=" not in scope["query_string"]


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")

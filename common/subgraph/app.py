"""A subgraph's parts -> an ASGI application. The one place where the kit wires things together.

Routes: `/graphql` (HTTP POST and graphql-transport-ws) and `/traces` for callers with a signed context, `/health`,
`/health/live`, `/health/ready`, `/metrics`, and the subgraph's own. The application keeps nothing outside itself: five
of them live in one process, each with its own database pool and bus connection.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from common.auth import ContextVerifier
from common.clock import Clock, SystemClock
from common.errors import UnavailableError
from common.events import CommandHandler, Consumer, EventMetrics
from common.health import Health, HealthCheck, HealthReport
from common.settings import SubgraphSettings
from common.subgraph.context import LoadersT, ServiceT
from common.subgraph.database import Database
from common.subgraph.in_flight import CountInFlight
from common.subgraph.postgres_url import parse_database_url
from common.subgraph.refusal import refuse
from common.subgraph.revocations import Revocations
from common.subgraph.runtime import BackgroundParts, Platform, Runtime, Worker
from common.subgraph.schema import Schema
from common.subgraph.signed_context import GRAPHQL_PATH, RequireSignedContext, is_graphql
from common.subgraph.sql_telemetry import count_statements, trace_statements
from common.subgraph.statements import statement_source
from common.subgraph.traces import trace_routes
from common.subgraph.view import GraphQLView, context_factory
from common.telemetry import Metrics, Telemetry, TelemetryMiddleware, answering_workers, metrics_endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphParts(Generic[ServiceT, LoadersT]):
    """What makes a subgraph that subgraph. Functions are called when it starts, `new_loaders` per request."""

    #: `subgraphs.<name>`, database `punnet_<name>`, commands `commands.<name>.…`
    name: str
    schema: Schema
    new_service: Callable[[Platform], ServiceT]
    new_loaders: Callable[[ServiceT], LoadersT]
    #: command name -> handler, for synchronous calls of other subgraphs
    commands: Callable[[ServiceT], Mapping[str, CommandHandler]] = lambda _: {}
    consumers: Callable[[ServiceT], Sequence[Consumer]] = lambda _: ()
    #: background work beside relay and consumers
    workers: Callable[[ServiceT], Sequence[Worker]] = lambda _: ()
    #: type patterns of events that subscriptions listen to, such as "orders.order.*"
    feeds: Sequence[str] = ()
    #: routes of its own; they get the running service through the function they are given
    routes: Callable[[Callable[[], ServiceT]], Sequence[BaseRoute]] = lambda _: ()


def create_subgraph(
    parts: SubgraphParts[ServiceT, LoadersT],
    settings: SubgraphSettings,
    *,
    clock: Clock | None = None,
    database_name: str = "",
) -> Starlette:
    """The application; nothing is opened before its lifespan starts. `app.state.runtime` is for tests and seeds.

    `database_name` overrides `punnet_<name>`.
    """
    clock = clock or SystemClock()
    telemetry = Telemetry(
        f"punnet-{parts.name}", otlp_endpoint=settings.otlp_endpoint, sample_ratio=settings.trace_sample_ratio
    )
    metrics = Metrics()
    database = new_database(parts.name, settings, database_name=database_name)
    database.observer.listeners += [count_statements(metrics, parts.name), trace_statements(telemetry.tracer)]
    revocations = Revocations(clock)
    runtime = Runtime(
        parts.name,
        settings,
        database,
        new_service=parts.new_service,
        background=BackgroundParts(parts.commands, parts.consumers, parts.workers),
        feeds=parts.feeds,
        revocations=revocations,
        clock=clock,
        telemetry=telemetry,
        event_metrics=EventMetrics(metrics, parts.name),
    )
    health = Health(
        f"punnet-{parts.name}",
        [
            HealthCheck("postgres", database.ping),
            # without the bus reads still work and events wait in the outbox
            HealthCheck("nats", runtime.check_bus, is_critical=False),
        ],
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with answering_workers(telemetry.ring), runtime.lifespan(health):
            yield

    view = GraphQLView(parts.schema, context_factory(runtime.service, parts.new_loaders, revocations))
    app = Starlette(
        lifespan=lifespan,
        routes=[
            # both need a route: a Mount would answer `/graphql/` only
            Route(GRAPHQL_PATH, view, methods=["POST"]),
            WebSocketRoute(GRAPHQL_PATH, view),
            *health_routes(health),
            metrics_route(metrics),
            *trace_routes(telemetry),
            *parts.routes(runtime.service),
        ],
        middleware=[
            Middleware(TelemetryMiddleware, telemetry=telemetry, metrics=metrics),
            Middleware(CountInFlight, in_flight=runtime.in_flight),
            Middleware(
                RequireSignedContext,
                verifier=ContextVerifier(settings.context_secrets(), clock),
                revocations=revocations,
            ),
            Middleware(EnterSubgraph, runtime=runtime, view=view),
        ],
    )
    app.state.runtime = runtime
    return app


def new_database(name: str, settings: SubgraphSettings, *, database_name: str = "") -> Database:
    """The database of a subgraph, not opened yet."""
    return Database(
        parse_database_url(settings.database_url), name, pool_max=settings.database_pool_size, name=database_name
    )


@asynccontextmanager
async def migrated_database(
    name: str, settings: SubgraphSettings, *, database_name: str = ""
) -> AsyncIterator[Database]:
    """Opens, creates and migrates a subgraph's database without the application: for seeds and the migrate command."""
    database = new_database(name, settings, database_name=database_name)
    await database.open()
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


def metrics_route(metrics: Metrics) -> Route:
    exposition = metrics_endpoint(metrics.registry)

    async def respond(_: Request) -> ASGIApp:
        # Starlette calls what an endpoint returns as an ASGI application
        return exposition

    return Route("/metrics", respond)


def health_routes(health: Health) -> list[Route]:
    async def live(_: Request) -> Response:
        return _health_response(health.live())

    async def ready(_: Request) -> Response:
        return _health_response(await health.ready())

    return [Route("/health", ready), Route("/health/ready", ready), Route("/health/live", live)]


def _health_response(report: HealthReport) -> Response:
    return Response(report.body, status_code=report.http_status, media_type="application/json")


class EnterSubgraph:
    """ASGI middleware: GraphQL is answered only while the subgraph runs, and Tortoise's models mean its database."""

    def __init__(self, app: ASGIApp, runtime: Runtime[Any], view: ASGIApp) -> None:
        self.app = app
        self.runtime = runtime
        self.view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_graphql(scope):
            await self.app(scope, receive, send)
            return
        try:
            self.runtime.service()
        except UnavailableError as exc:
            await refuse(scope, receive, send, exc)
            return
        # nothing else is behind this path: Starlette need not look for its route
        app = self.view if scope["type"] == "http" and scope["method"] == "POST" else self.app
        token = statement_source.set("request")
        try:
            with self.runtime.database.use():
                await app(scope, receive, send)
        finally:
            statement_source.reset(token)

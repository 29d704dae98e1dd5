"""The sandbox, wired: its parts behind one address, with health, metrics and traces like every process of ours."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from common.health import Health, HealthReport
from common.telemetry import Metrics, Telemetry, TelemetryMiddleware, metrics_endpoint
from deploy.sandbox.messages.part import message_providers
from deploy.sandbox.psp.database import DATABASE
from deploy.sandbox.psp.drop import Droppable
from deploy.sandbox.psp.part import payment_provider
from deploy.sandbox.settings import SandboxSettings

NAME = "punnet-sandbox"
_INDEX = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Punnet sandbox</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem">
<h1>The world outside the shop</h1>
<p>What the shop sent: <a href="/mail">mail</a>, <a href="/sms">text messages</a>, <a href="/push">push</a>.</p>
<p>Payments: pay with <code>tok_visa</code>, <code>tok_3ds</code>, <code>tok_declined</code>; all cards, routes and
faults are in <code>deploy/sandbox/README.md</code>.</p></body></html>"""


def create_sandbox_app(settings: SandboxSettings | None = None, *, database_name: str = DATABASE) -> ASGIApp:
    """The ASGI application; settings come from the environment unless given. Nothing is opened before it starts."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    settings = settings or SandboxSettings()  # type: ignore[call-arg]
    parts = [payment_provider(settings, database_name=database_name), message_providers(settings)]
    telemetry = Telemetry(NAME, otlp_endpoint=settings.otlp_endpoint, sample_ratio=settings.trace_sample_ratio)
    metrics = Metrics()
    health = Health(NAME, [check for part in parts for check in part.checks])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(telemetry.shutdown)
            for part in parts:
                await stack.enter_async_context(part.lifespan())
            yield
            health.start_draining()

    async def index(_: Request) -> Response:
        return HTMLResponse(_INDEX)

    async def ready(_: Request) -> Response:
        return _response(await health.ready())

    async def live(_: Request) -> Response:
        return _response(health.live())

    exposition = metrics_endpoint(metrics.registry)

    async def show_metrics(_: Request) -> ASGIApp:
        # Starlette calls what an endpoint returns as an ASGI application
        return exposition

    return Droppable(
        Starlette(
            lifespan=lifespan,
            routes=[
                Route("/", index),
                Route("/health", ready),
                Route("/health/ready", ready),
                Route("/health/live", live),
                Route("/metrics", show_metrics),
                *(route for part in parts for route in part.routes),
            ],
            middleware=[Middleware(TelemetryMiddleware, telemetry=telemetry, metrics=metrics)],
        )
    )


def _response(report: HealthReport) -> Response:
    return Response(report.body, status_code=report.http_status, media_type="application/json")

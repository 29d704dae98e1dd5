"""The tiny subgraph as if in a process of its own: it keeps its spans itself, and tells them to whom it trusts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from common.auth import ContextVerifier
from common.clock import SystemClock
from common.subgraph.revocations import Revocations
from common.subgraph.signed_context import RequireSignedContext
from common.subgraph.traces import TRACES_PATH, trace_routes
from common.telemetry import Metrics, Telemetry, TelemetryMiddleware, TraceRing
from tests.kit import tiny_subgraph

SECRET = "a secret of thirty-two characters"
ADDRESS = "asgi://tests.kit.traced_subgraph:create_app"


def create_app() -> ASGIApp:
    telemetry = Telemetry("punnet-tiny", ring=TraceRing())
    verifier, revocations = ContextVerifier([SECRET.encode()], SystemClock()), Revocations(SystemClock())
    traces = RequireSignedContext(Starlette(routes=trace_routes(telemetry)), verifier, revocations)
    graphql = TelemetryMiddleware(tiny_subgraph.create_app(), telemetry, Metrics(CollectorRegistry()))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["path"].startswith(TRACES_PATH)
        await (traces if is_asked else graphql)(scope, receive, send)

    return app

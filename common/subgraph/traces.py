"""`/traces?limit=` and `/traces/<trace id>`: the spans this subgraph keeps of the last traces, for the router to join
with everybody else's (docs/decisions/0020). For callers with a signed context only."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from common.telemetry import SpanRecord, Telemetry, dump_spans, newest_spans, trace_spans

TRACES_PATH = "/traces"
_MOST = 500


def trace_routes(telemetry: Telemetry) -> list[Route]:
    """None where nobody keeps traces. A ring shared with others of this process: only the subgraph's own spans."""
    ring = telemetry.ring
    if ring is None:
        return []

    def respond(spans: Iterable[SpanRecord]) -> Response:
        own = (span for span in spans if span.service == telemetry.service)
        return Response(dump_spans(own), media_type="application/json")

    async def newest(request: Request) -> Response:
        limit = request.query_params.get("limit", "50")
        most = min(int(limit), _MOST) if limit.isdecimal() and len(limit) < 9 else 50
        return respond(await newest_spans(ring, most))

    async def one(request: Request) -> Response:
        return respond(await trace_spans(ring, request.path_params["trace_id"]))

    return [Route(TRACES_PATH, newest), Route(f"{TRACES_PATH}/{{trace_id}}", one)]

"""The last traces, as JSON for programs and as a page with a waterfall for people.

    GET /traces                 the newest, one line each; `?limit=`
    GET /traces/<trace id>      one with its spans

HTML when the Accept header prefers it. `missing_subgraphs` are those that were asked for their spans and had none to
give.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Scope, Send

from common.telemetry import SpanRecord, TraceRing
from router.config.traffic import TracesConfig
from router.errors import RequestError
from router.execution.json import dump_json
from router.pipeline.engine import Engine
from router.pipeline.handle import identify
from router.pipeline.http import RawHeaders
from router.server.asgi import SECURITY_HEADERS, send_bytes, send_error
from router.server.http import read_headers
from router.server.trace import Trace
from router.server.trace_sources import Found, TraceSources
from router.server.waterfall import list_page, trace_page

_MOST = 500
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)


class TracePages:
    def __init__(self, config: TracesConfig, ring: TraceRing) -> None:
        self._config = config
        self._path = config.path
        self._sources = TraceSources(ring, config.subgraphs)

    def has(self, path: str) -> bool:
        return path == self._path or path.startswith(f"{self._path}/")

    async def serve(self, engine: Engine, scope: Scope, path: str, send: Send) -> None:
        headers = read_headers(scope["headers"])
        if (refusal := await self._refusal(engine, headers)) is not None:
            return await send_error(send, *refusal)
        is_page = "text/html" in headers.get("accept", "")
        trace_id = path.removeprefix(self._path).strip("/").lower()
        if not trace_id:
            found = await self._sources.newest(engine, _limit(scope["query_string"]))
            page = list_page(found.traces, found.missing, self._path) if is_page else None
            return await _send(send, page or _listed(found))
        found = await self._sources.one(engine, trace_id) if _TRACE_ID.fullmatch(trace_id) else Found([], [])
        if not found.traces:
            return await send_error(send, 404, "NOT_FOUND", "This trace is not here, or no longer.")
        page = trace_page(found.traces[0], found.missing, self._path) if is_page else None
        return await _send(send, page or _told(found.traces[0], found.missing))

    async def _refusal(self, engine: Engine, headers: dict[str, str]) -> tuple[int, str, str] | None:
        scope = self._config.scope
        if scope is None:
            return None
        try:
            principal = (await identify(engine, headers)).principal
        except RequestError as refusal:
            return refusal.status, refusal.code.name, str(refusal)
        if not principal.is_authenticated:
            return 401, "UNAUTHENTICATED", f"Traces need a token with the scope {scope}."
        if not principal.has_scope(scope):
            return 403, "FORBIDDEN", f"Traces need the scope {scope}."
        return None


def _limit(query_string: bytes) -> int:
    given = parse_qs(query_string.decode("latin-1")).get("limit", ["50"])[0]
    return min(max(int(given), 1), _MOST) if given.isdecimal() and len(given) < 9 else 50


def _listed(found: Found) -> dict[str, Any]:
    return {"traces": [_summary(trace) for trace in found.traces], "missing_subgraphs": found.missing}


def _told(trace: Trace, missing: list[str]) -> dict[str, Any]:
    return {**_summary(trace), "missing_subgraphs": missing, "spans": [_span(span) for span in trace.spans]}


def _summary(trace: Trace) -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "name": trace.title,
        "started_at": _time(trace.began_at_ns),
        "duration_ms": _ms(trace.duration_ns),
        "span_count": len(trace.spans),
        "services": trace.services,
        "status": _status(trace.has_failed),
    }


def _span(span: SpanRecord) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "service": span.service,
        "name": span.name,
        "kind": span.kind,
        "started_at": _time(span.started_at_ns),
        "duration_ms": _ms(span.ended_at_ns - span.started_at_ns),
        "status": _status(span.has_failed),
        "attributes": dict(span.attributes),
    }


def _status(has_failed: bool) -> str:
    return "failed" if has_failed else "ok"


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)


def _time(nanoseconds: int) -> str:
    moment = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _send(send: Send, content: str | dict[str, Any]) -> None:
    """A page, or JSON."""
    is_page = isinstance(content, str)
    kind = b"text/html; charset=utf-8" if is_page else b"application/json"
    headers: RawHeaders = ((b"content-type", kind), (b"cache-control", b"no-store"), (b"vary", b"accept"))
    if is_page:
        headers += ((b"content-security-policy", _POLICY),)
    body = content.encode() if isinstance(content, str) else dump_json(content)
    await send_bytes(send, 200, headers + SECURITY_HEADERS, body)

"""The last traces, as JSON for programs and as a page with a waterfall for people.

    GET /traces                 the newest, one line each; `?limit=`
    GET /traces/<trace id>      one with its spans

HTML when the Accept header prefers it. The page has no script: bars are placed by their times.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from common.telemetry import SpanRecord, TraceRing
from router.config.traffic import TracesConfig
from router.errors import RequestError
from router.execution.json import dump_json
from router.pipeline.engine import Engine
from router.pipeline.handle import identify
from router.pipeline.http import RawHeaders
from router.server.asgi import SECURITY_HEADERS, Scope, Send, send_bytes, send_error
from router.server.http import read_headers

_MOST = 500
_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)


class TracePages:
    def __init__(self, config: TracesConfig, ring: TraceRing) -> None:
        self._config = config
        self._ring = ring

    def has(self, path: str) -> bool:
        return path == self._config.path or path.startswith(f"{self._config.path}/")

    async def serve(self, engine: Engine, scope: Scope, path: str, send: Send) -> None:
        headers = read_headers(scope["headers"])
        if (refusal := await self._refusal(engine, headers)) is not None:
            return await send_error(send, *refusal)
        is_page = "text/html" in headers.get("accept", "")
        trace_id = path.removeprefix(self._config.path).strip("/")
        if trace_id:
            spans = self._ring.trace(trace_id)
            if not spans:
                return await send_error(send, 404, "NOT_FOUND", "This trace is not here, or no longer.")
            return await _send(send, self._trace_page(spans) if is_page else _trace(spans), is_page=is_page)
        traces = self._ring.traces(_limit(scope["query_string"]))
        listed = self._list_page(traces) if is_page else {"traces": [_summary(spans) for spans in traces]}
        return await _send(send, listed, is_page=is_page)

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

    def _list_page(self, traces: Sequence[list[SpanRecord]]) -> str:
        rows = "".join(
            f"<tr><td>{_time(spans[0].started_at_ns)}</td>"
            f'<td><a href="{html.escape(self._config.path)}/{spans[0].trace_id}">{html.escape(_title(spans))}</a></td>'
            f"<td>{_duration(spans)}</td><td>{len(spans)}</td><td>{html.escape(_services(spans))}</td>"
            f'<td class="{"bad" if _has_failed(spans) else ""}">{"failed" if _has_failed(spans) else "ok"}</td></tr>'
            for spans in traces
        )
        head = "<tr><th>began (UTC)</th><th>what</th><th>took</th><th>spans</th><th>services</th><th></th></tr>"
        nothing = "<p>No request was traced yet. Send one, and load this page again.</p>"
        return _page("Traces", f"<table>{head}{rows}</table>" if rows else nothing)

    def _trace_page(self, spans: list[SpanRecord]) -> str:
        begins = min(span.started_at_ns for span in spans)
        whole = max(max(span.ended_at_ns for span in spans) - begins, 1)
        depths = _depths(spans)
        rows = "".join(_row(span, depths[span.span_id], begins, whole) for span in spans)
        back = f'<p><a href="{html.escape(self._config.path)}">all traces</a></p>'
        head = (
            f"<p>{spans[0].trace_id} · {_time(begins)} UTC · {_duration(spans)} · {html.escape(_services(spans))}</p>"
        )
        return _page(_title(spans), f"{back}{head}<table>{rows}</table>")


def _limit(query_string: bytes) -> int:
    given = parse_qs(query_string.decode("latin-1")).get("limit", ["50"])[0]
    return min(max(int(given), 1), _MOST) if given.isdecimal() and len(given) < 9 else 50


def _summary(spans: list[SpanRecord]) -> dict[str, Any]:
    begins = min(span.started_at_ns for span in spans)
    return {
        "trace_id": spans[0].trace_id,
        "name": _title(spans),
        "started_at": _time(begins, for_programs=True),
        "duration_ms": _duration_ms(spans),
        "span_count": len(spans),
        "services": sorted({span.service for span in spans}),
        "status": "failed" if _has_failed(spans) else "ok",
    }


def _trace(spans: list[SpanRecord]) -> dict[str, Any]:
    return {
        **_summary(spans),
        "spans": [
            {
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "service": span.service,
                "name": span.name,
                "kind": span.kind,
                "started_at": _time(span.started_at_ns, for_programs=True),
                "duration_ms": round((span.ended_at_ns - span.started_at_ns) / 1e6, 3),
                "status": "failed" if span.has_failed else "ok",
                "attributes": dict(span.attributes),
            }
            for span in spans
        ],
    }


def _row(span: SpanRecord, depth: int, begins: int, whole: int) -> str:
    left = (span.started_at_ns - begins) / whole * 100
    width = max((span.ended_at_ns - span.started_at_ns) / whole * 100, 0.3)
    said = "\n".join(f"{key}: {value}" for key, value in span.attributes.items())
    took = f"{(span.ended_at_ns - span.started_at_ns) / 1e6:.2f} ms"
    return (
        f'<tr title="{html.escape(said, quote=True)}">'
        f'<td style="padding-left:{depth + 0.3}em">{html.escape(span.name)}</td>'
        f"<td>{html.escape(span.service)}</td><td>{took}</td>"
        f'<td class="way"><div class="{"bar bad" if span.has_failed else "bar"}"'
        f' style="margin-left:{left:.2f}%;width:{min(width, 100 - left):.2f}%"></div></td></tr>'
    )


def _depths(spans: list[SpanRecord]) -> dict[str, int]:
    """Steps to the root; a parent that is elsewhere counts as none. Spans come by their start, parents first."""
    depths: dict[str, int] = {}
    for span in spans:
        depths[span.span_id] = depths.get(span.parent_id or "", -1) + 1
    return depths


def _title(spans: list[SpanRecord]) -> str:
    """What was asked: the operation where the router knew it, else the first span."""
    names = (span.attributes.get("graphql.operation.name") for span in spans)
    operation = next((str(name) for name in names if name), None)
    return f"{spans[0].name} {operation}" if operation else spans[0].name


def _services(spans: list[SpanRecord]) -> str:
    return ", ".join(sorted({span.service for span in spans}))


def _has_failed(spans: list[SpanRecord]) -> bool:
    return any(span.has_failed for span in spans)


def _duration_ms(spans: list[SpanRecord]) -> float:
    return round((max(s.ended_at_ns for s in spans) - min(s.started_at_ns for s in spans)) / 1e6, 3)


def _duration(spans: list[SpanRecord]) -> str:
    return f"{_duration_ms(spans):.2f} ms"


def _time(nanoseconds: int, *, for_programs: bool = False) -> str:
    moment = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    if for_programs:
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


async def _send(send: Send, content: str | dict[str, Any], *, is_page: bool) -> None:
    kind = b"text/html; charset=utf-8" if is_page else b"application/json"
    headers: RawHeaders = ((b"content-type", kind), (b"cache-control", b"no-store"), (b"vary", b"accept"))
    if is_page:
        headers += ((b"content-security-policy", _POLICY),)
    body = content.encode() if isinstance(content, str) else dump_json(content)
    await send_bytes(send, 200, headers + SECURITY_HEADERS, body)


def _page(title: str, body: str) -> str:
    return _PAGE.replace("TITLE", html.escape(title)).replace("BODY", body)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .2em .8em .2em 0; text-align: left; white-space: nowrap; border-bottom: 1px solid #8883; }
td.way { width: 60%; }
.bar { height: .9em; border-radius: 2px; background: #3b82f6; }
.bad { color: #dc2626; }
.bar.bad { background: #dc2626; }
</style>
</head>
<body>
<h1>TITLE</h1>
BODY
</body>
</html>
"""

"""Traces as pages for people: a list, and one with a waterfall. No script: bars are placed by their times."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime

from common.telemetry import SpanRecord
from router.server.trace import Trace


def list_page(traces: Sequence[Trace], missing: Sequence[str], path: str) -> str:
    """`path` is where the page of each trace is below."""
    head = "<tr><th>began (UTC)</th><th>what</th><th>took</th><th>spans</th><th>services</th><th>outcome</th></tr>"
    rows = "".join(
        f"<tr><td>{_time(trace.began_at_ns)}</td>"
        f'<td><a href="{html.escape(path)}/{html.escape(trace.trace_id)}">{html.escape(trace.title)}</a></td>'
        f"<td>{_ms(trace.duration_ns)}</td><td>{len(trace.spans)}</td>"
        f"<td>{html.escape(', '.join(trace.services))}</td>"
        f'<td class="{"bad" if trace.has_failed else ""}">{"failed" if trace.has_failed else "ok"}</td></tr>'
        for trace in traces
    )
    nothing = "<p>No request was traced yet. Send one, and load this page again.</p>"
    return _page("Traces", _missing(missing) + (f"<table>{head}{rows}</table>" if rows else nothing))


def trace_page(trace: Trace, missing: Sequence[str], path: str) -> str:
    began_at_ns, whole_ns = trace.began_at_ns, max(trace.duration_ns, 1)
    rows = "".join(
        _row(span, depth, (span.started_at_ns - began_at_ns) / whole_ns, whole_ns)
        for span, depth in zip(trace.spans, trace.depths, strict=True)
    )
    said = f"{trace.trace_id} · {_time(began_at_ns)} UTC · {_ms(trace.duration_ns)} · {', '.join(trace.services)}"
    back = f'<p><a href="{html.escape(path)}">all traces</a></p>'
    return _page(trace.title, f"{back}<p>{html.escape(said)}</p>{_missing(missing)}<table>{rows}</table>")


def _row(span: SpanRecord, depth: int, left: float, whole_ns: int) -> str:
    """`left` is the share of the whole that is over when it starts."""
    lasted_ns = span.ended_at_ns - span.started_at_ns
    width = max(lasted_ns / whole_ns, 0.003)
    said = "\n".join(f"{key}: {value}" for key, value in span.attributes.items())
    return (
        f'<tr title="{html.escape(said, quote=True)}">'
        f'<td style="padding-left:{depth + 0.3}em">{html.escape(span.name)}</td>'
        f"<td>{html.escape(span.service)}</td><td>{_ms(lasted_ns)}</td>"
        f'<td class="way"><div class="{"bar bad" if span.has_failed else "bar"}"'
        f' style="margin-left:{left:.2%};width:{min(width, 1 - left):.2%}"></div></td></tr>'
    )


def _missing(names: Sequence[str]) -> str:
    return f'<p class="bad">Spans are missing: no answer from {html.escape(", ".join(names))}.</p>' if names else ""


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.2f} ms"


def _time(nanoseconds: int) -> str:
    moment = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


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

"""Around an ASGI application: one server span per request, its id, its duration, how many are under way.

The trace of the caller is continued (W3C traceparent; junk is ignored), `x-request-id` is taken over if it is
harmless and made otherwise, and both are in every log line written meanwhile. WebSockets last for hours: they are
counted and get an id, but no span of their own; operations on them have theirs.
"""

import random
import re
import time
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from operator import itemgetter

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.telemetry.metrics import Metrics
from common.telemetry.redaction import redact_text
from common.telemetry.tracing import (
    REQUEST_ID_HEADER,
    RequestBound,
    Telemetry,
    mark_failed,
    parent_context,
)

_READ = frozenset({b"traceparent", b"tracestate", b"x-request-id"})
_NAME = itemgetter(0)
_ID_HEADER = REQUEST_ID_HEADER.encode()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_METHODS = frozenset({"GET", "POST", "OPTIONS", "HEAD", "PUT", "PATCH", "DELETE"})
#: names of labels and spans come from this list, never from the client
_ROUTES = frozenset({"/", "/graphql", "/health", "/health/live", "/health/ready", "/metrics"})
#: asked again and again by machines, or dozens at once by a page: no traces of their own, which would push out others
_PROBE = re.compile(r"/(?:health|metrics|traces|graphiql)(?:/.*)?")
_CLIENT_CLOSED_REQUEST = 499
#: key of the scope under which an application says which of its routes it served, such as `/api/v1/orders/{id}`
ROUTE = "punnet.route"


class TelemetryMiddleware:
    """Outermost, so that it sees what every other layer does."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, metrics: Metrics) -> None:
        self._app = app
        self._tracer = telemetry.tracer
        self._telemetry = telemetry
        self._service = telemetry.service
        self._durations = metrics.histogram(
            "http_server_request_duration_seconds",
            "From the first byte of the request to the last of the response.",
            ("service", "method", "route", "status"),
        )
        active = metrics.gauge("http_server_active_requests", "Requests and sockets under way.", ("service", "kind"))
        self._active = {"http": 0, "websocket": 0}
        for kind in self._active:  # counted here and looked at when somebody wants to know
            active.labels(self._service, kind).set_function(partial(self._active.__getitem__, kind))
        self._children: dict[tuple[str, str, int], Histogram] = {}  #: as many as routes, methods and statuses of ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in self._active:
            await self._app(scope, receive, send)
            return
        headers = _first_values(scope["headers"])
        request_id = _request_id(headers.get(REQUEST_ID_HEADER))
        with RequestBound(self._service, request_id) as bound:
            self._active[kind] += 1
            try:
                if kind == "websocket":
                    await self._converse(scope, receive, send, parent_context(headers))
                elif self._may_record(scope["path"], headers):
                    await self._record(scope, receive, _Answer(send, request_id), headers)
                else:
                    bound.without_spans(headers, has_sink=self._telemetry.has_sink)
                    answer = _Answer(send, request_id)
                    try:
                        await self._app(scope, receive, answer.send)
                    except Exception:
                        answer.status = 500
                        raise
                    finally:
                        self._child(*self._names(scope), answer.status).observe(answer.elapsed_s())
            finally:
                self._active[kind] -= 1

    async def _record(self, scope: Scope, receive: Receive, answer: "_Answer", headers: Mapping[str, str]) -> None:
        method, route = self._names(scope)
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=parent_context(headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": route, "request.id": answer.request_id},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, answer.send)
            except Exception as exc:
                answer.status = 500
                mark_failed(span, exc)
                raise
            finally:
                if ROUTE in scope:
                    _, route = self._names(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attribute("url.path", route)
                span.set_attribute("http.response.status_code", answer.status)
                if answer.status >= 500:
                    span.set_status(StatusCode.ERROR)
                context = span.get_span_context()
                exemplar = {"trace_id": f"{context.trace_id:032x}"} if context.trace_flags.sampled else None
                self._child(method, route, answer.status).observe(answer.elapsed_s(), exemplar)

    def _names(self, scope: Scope) -> tuple[str, str]:
        """Method and route; the application names the route while it serves it."""
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        return method, scope.get(ROUTE) or (scope["path"] if scope["path"] in _ROUTES else "other")

    def _may_record(self, path: str, headers: Mapping[str, str]) -> bool:
        if not self._telemetry.may_record(headers):
            return False
        return "traceparent" in headers or _PROBE.fullmatch(path) is None

    async def _converse(self, scope: Scope, receive: Receive, send: Send, parent: Context) -> None:
        token = attach(parent)
        try:
            await self._app(scope, receive, send)
        finally:
            detach(token)

    def _child(self, method: str, route: str, status: int) -> Histogram:
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._durations.labels(self._service, method, route, str(status))
        return child


class _Answer:
    """On its way to the client, with the request's id."""

    __slots__ = ("_began_at", "_send", "request_id", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._began_at = time.perf_counter()
        self.request_id = request_id
        self.status = _CLIENT_CLOSED_REQUEST  #: until there is one

    def send(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (_ID_HEADER, self.request_id.encode())]
        return self._send(message)

    def elapsed_s(self) -> float:
        return time.perf_counter() - self._began_at


def _first_values(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Only what is read here; a header given twice counts once."""
    found: dict[str, str] = {}
    if _READ.isdisjoint(map(_NAME, headers)):
        return found
    for name, value in headers:
        if name in _READ:
            found.setdefault(name.decode("ascii"), value.decode("latin-1"))
    return found


def _request_id(given: str | None) -> str:
    """Ids go into logs and events: what looks like a card or a token is none."""
    if given is not None and _REQUEST_ID.fullmatch(given) and redact_text(given) == given:
        return given
    return "req_" + (time.time_ns() << 64 | random.getrandbits(64)).to_bytes(16).hex()

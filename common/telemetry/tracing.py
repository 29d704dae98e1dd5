"""Traces of one service: a provider of its own, never the process's global one, since several services may share a
process.

Spans go to a collector if one is configured and to the ring for `/traces` if there is one; with neither, spans carry
ids for the logs but record nothing.
"""

import asyncio
import random
import re
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Self

import structlog
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.telemetry.export import otlp_processor
from common.telemetry.ring import TraceRing, current_ring
from common.telemetry.sampling import AtMostPerSecond

REQUEST_ID_HEADER = "x-request-id"
_SHUTDOWN_S = 2.0
_PROPAGATOR = TraceContextTextMapPropagator()
_UNRECORDED = TraceFlags(TraceFlags.DEFAULT | TraceFlags.RANDOM_TRACE_ID)
_NO_PARENT = Context()
_UNSAMPLED = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][02468ace]").fullmatch
_NEVER_ZERO = 1 << 64 | 1  #: ids of zeros only are no ids
_request: ContextVar["RequestBound | None"] = ContextVar("punnet_request", default=None)

_log = structlog.get_logger(__name__)


class Telemetry:
    """Makes spans for one service until `shutdown`."""

    def __init__(
        self,
        service: str,
        *,
        otlp_endpoint: str | None = None,
        sample_ratio: float = 1.0,
        ring: TraceRing | None = None,
    ) -> None:
        """Without a collector the ring's own rate, if it has one, decides what is recorded, not `sample_ratio`."""
        self.service = service
        #: the ring given, or the one of `use_ring`
        self.ring = ring or current_ring()
        self.has_sink = has_sink = otlp_endpoint is not None or self.ring is not None
        rate = self.ring.max_per_second if self.ring is not None else None
        self._at_most = AtMostPerSecond(rate) if rate is not None and otlp_endpoint is None else None
        self.provider = TracerProvider(
            # a caller's decision is followed, so that a trace is whole or absent
            sampler=ParentBased(self._at_most or TraceIdRatioBased(sample_ratio)) if has_sink else ALWAYS_OFF,
            resource=Resource.create({"service.name": service, "service.namespace": "punnet"}),
            shutdown_on_exit=False,
        )
        if self.ring is not None:
            self.provider.add_span_processor(self.ring)
        if otlp_endpoint is not None:
            self.provider.add_span_processor(otlp_processor(otlp_endpoint))
        self.tracer: Tracer = self.provider.get_tracer("punnet")

    def may_record(self, headers: Mapping[str, str]) -> bool:
        """False when a request with these headers would only get a span that keeps nothing: `RequestBound` has ids for
        it at a fifth of the cost."""
        if not self.has_sink:
            return False
        traceparent = headers.get("traceparent")
        if traceparent is not None:
            return not _UNSAMPLED(traceparent)
        return self._at_most is None or self._at_most.has_token()

    async def shutdown(self) -> None:
        """Sends what is left, for two seconds at most: with the collector away the library would block for six."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self.provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(done.set)

        # a thread of our own: the loop's executor would be waited for when the process ends
        threading.Thread(target=shut_down, name="telemetry-shutdown", daemon=True).start()
        try:
            async with asyncio.timeout(_SHUTDOWN_S):
                await done.wait()
        except TimeoutError:
            _log.warning("the last spans could not be sent in time", service=self.service)


def inject_headers(headers: MutableMapping[str, str]) -> None:
    """Adds `traceparent` and `tracestate` of the current span and the id of the current request, if there are any."""
    headers.update(call_headers())


def call_headers() -> tuple[tuple[str, str], ...]:
    """What `inject_headers` adds."""
    request = _request.get()
    if request is None:
        return _trace_headers()
    own = (REQUEST_ID_HEADER, request.request_id)
    return (*_trace_headers(), own) if request.traceparent is None else (("traceparent", request.traceparent), own)


def _trace_headers() -> tuple[tuple[str, str], ...]:
    headers: dict[str, str] = {}
    if get_current_span().get_span_context().trace_state:
        _PROPAGATOR.inject(headers)
    elif traceparent := current_traceparent():
        headers["traceparent"] = traceparent  # as the propagator writes it, which looks at everything twice
    return tuple(headers.items())


def current_traceparent() -> str | None:
    """The ids of the trace and of the span, and the flags, in W3C's form."""
    request = _request.get()
    if request is not None and request.traceparent is not None:
        return request.traceparent
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_request_id() -> str | None:
    request = _request.get()
    return None if request is None else request.request_id


def current_request() -> "RequestBound | None":
    return _request.get()


class RequestBound:
    """Inside, log lines and calls of others carry the id of the request, and log lines the service's name."""

    __slots__ = ("_spans_token", "_token", "request_id", "service", "traceparent")

    def __init__(self, service: str, request_id: str) -> None:
        self.service = service
        self.request_id = request_id
        #: what is said to all who are called; None where it is the span that is current at the call
        self.traceparent: str | None = None
        self._spans_token: Token[Context] | None = None

    def __enter__(self) -> Self:
        self._token = _request.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._spans_token is not None:
            detach(self._spans_token)
        _request.reset(self._token)

    def without_spans(self, headers: Mapping[str, str], *, has_sink: bool) -> None:
        """To be called inside. Gives the request ids of its own, in the caller's trace if there is one: a request whose
        spans nobody keeps needs no more."""
        state = None
        if (
            "traceparent" in headers
            and (above := get_current_span(parent_context(headers)).get_span_context()).is_valid
        ):
            state = above.trace_state
            ids = f"{above.trace_id:032x}-{random.getrandbits(64) | 1:016x}"
            flags = above.trace_flags & TraceFlags.RANDOM_TRACE_ID
        else:
            ids = (random.getrandbits(192) | _NEVER_ZERO).to_bytes(24).hex("-", -16)
            flags = _UNRECORDED
        if not state:
            self.traceparent = f"00-{ids}-{flags:02x}"
            if not has_sink and not get_current():
                return
        # spans below it are to be dropped too, the state is to be handed on, or a caller's span in this process hidden
        trace_id, _, span_id = ids.partition("-")
        span = SpanContext(int(trace_id, 16), int(span_id, 16), False, TraceFlags(flags), state)
        self._spans_token = attach(set_span_in_context(NonRecordingSpan(span)))


def parent_context(headers: Mapping[str, str]) -> Context:
    """The caller's trace; empty when there is none, or junk."""
    return _PROPAGATOR.extract(headers, _NO_PARENT) if "traceparent" in headers else _NO_PARENT


def mark_failed(span: Span, error: BaseException) -> None:
    """The exception as an event of the span; the status says so, without its text."""
    span.record_exception(error)
    span.set_status(StatusCode.ERROR)

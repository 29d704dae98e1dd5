"""Traces of one service: a provider of its own, never the process's global one, since several services may share a
process.

Spans go to a collector if one is configured and to the ring for `/traces` if there is one; with neither, spans carry
ids for the logs but record nothing.
"""

import asyncio
import threading
from collections.abc import MutableMapping

import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.telemetry.export import otlp_processor
from common.telemetry.ring import TraceRing, current_ring

REQUEST_ID_HEADER = "x-request-id"
_SHUTDOWN_S = 2.0
_PROPAGATOR = TraceContextTextMapPropagator()

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
        self.service = service
        #: the ring given, or the one of `use_ring`
        self.ring = ring or current_ring()
        has_sink = otlp_endpoint is not None or self.ring is not None
        self.provider = TracerProvider(
            # a caller's decision is followed, so that a trace is whole or absent
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)) if has_sink else ALWAYS_OFF,
            resource=Resource.create({"service.name": service, "service.namespace": "punnet"}),
            shutdown_on_exit=False,
        )
        if self.ring is not None:
            self.provider.add_span_processor(self.ring)
        if otlp_endpoint is not None:
            self.provider.add_span_processor(otlp_processor(otlp_endpoint))
        self.tracer: Tracer = self.provider.get_tracer("punnet")

    async def shutdown(self) -> None:
        """Sends what is left, for two seconds at most: with the collector away the library would block for six."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self.provider.shutdown()
            if not loop.is_closed():
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
    _PROPAGATOR.inject(headers)
    request_id = current_request_id()
    if request_id is not None:
        headers[REQUEST_ID_HEADER] = request_id


def current_request_id() -> str | None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return request_id if isinstance(request_id, str) else None


def mark_failed(span: Span, error: BaseException) -> None:
    """The exception as an event of the span; the status says so, without its text."""
    span.record_exception(error)
    span.set_status(StatusCode.ERROR)

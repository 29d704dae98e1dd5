"""What stands around every call of a subgraph: a circuit breaker, around it a limit to how many calls run at once, a
span around both, and outermost what splits fetches of too many entities into several calls. All see one call, however
often it is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from common.errors import CircuitOpenError as OpenCircuit
from common.resilience.adaptive_limit import AdaptiveLimit
from common.resilience.breaker import BreakerMetrics, CircuitBreaker
from common.telemetry import Metrics, Telemetry, call_headers
from router.config import RouterConfig
from router.pipeline.split_entities import SplitLayer
from router.transport.errors import CircuitOpenError, OverloadedError, RequestTimedOutError, TransportError
from router.transport.model import Headers, SubgraphClient, SubgraphRequest, SubgraphResponse

#: answers of a subgraph that looks after itself, or of what stands before it: quick, and no sign of spare capacity
_TOO_BUSY = frozenset({429, 503})


def layers_for(
    config: RouterConfig, subgraph: str, metrics: Metrics, telemetry: Telemetry | None
) -> Callable[[SubgraphClient], SubgraphClient]:
    breaker_config = config.traffic_shaping.circuit_breaker(subgraph)
    concurrency = config.traffic_shaping.concurrency(subgraph)

    def wrap(client: SubgraphClient) -> SubgraphClient:
        if breaker_config.enabled:
            breaker = CircuitBreaker(
                subgraph,
                fail_max=breaker_config.failure_threshold,
                reset_timeout_s=breaker_config.reset_timeout,
                is_failure=lambda error: isinstance(error, TransportError | _ServerError),
                listeners=[BreakerMetrics(metrics)],
            )
            client = BreakerLayer(client, breaker)
        if concurrency.enabled:
            limit = AdaptiveLimit(config.traffic_shaping.patience_s(subgraph), highest=concurrency.max)
            _show(limit, subgraph, metrics)
            client = LimitLayer(client, limit)
        if telemetry is not None and telemetry.has_sink:
            client = TraceLayer(client, telemetry)
        return SplitLayer(client, config.traffic_shaping.max_representations(subgraph))

    return wrap


def _show(limit: AdaptiveLimit, subgraph: str, metrics: Metrics) -> None:
    """Looked at when somebody wants to know."""
    labels = ("subgraph",)
    allowed = metrics.gauge("punnet_subgraph_concurrency_limit", "Calls that may be under way at once.", labels)
    waiting = metrics.gauge("punnet_subgraph_calls_waiting", "Calls that wait for their turn.", labels)
    allowed.labels(subgraph).set_function(lambda: limit.limit)
    waiting.labels(subgraph).set_function(lambda: limit.waiting_count)


class _ServerError(Exception):
    """A response with a status that speaks against the subgraph."""


@dataclass(frozen=True, slots=True)
class LimitLayer:
    """Calls over the limit wait for their turn, and are refused when it does not come."""

    client: SubgraphClient
    limit: AdaptiveLimit

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Raises `OverloadedError`."""
        limit = self.limit
        if not limit.take() and not await limit.wait():
            raise OverloadedError("not tried, too many calls are waiting for answers")
        began_at, was_answered = limit.now(), False
        try:
            response = await self.client.send(request)
            was_answered = response.status not in _TOO_BUSY
        finally:
            limit.leave(began_at, was_answered=was_answered)
        return response


@dataclass(slots=True)
class BreakerLayer:
    """Transport failures and 5xx statuses count against the subgraph; answers with GraphQL errors do not. Nor do calls
    that time out while others are answered: what is late is not dead, and refusing everybody would not help."""

    client: SubgraphClient
    breaker: CircuitBreaker
    answer_count: int = 0

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        breaker = self.breaker
        answered_before = self.answer_count
        try:
            generation = breaker.admit()
        except OpenCircuit as exc:
            raise CircuitOpenError(
                f"not tried, the last calls failed; next trial in {exc.retry_after_s:.1f} s"
            ) from None
        try:
            response = await self.client.send(request)
        except RequestTimedOutError as exc:
            if self.answer_count == answered_before:
                breaker.settle(generation, exc)
            else:
                breaker.give_up(generation)
            raise
        except Exception as exc:
            breaker.settle(generation, exc)
            raise
        except BaseException:
            breaker.give_up(generation)
            raise
        self.answer_count += 1
        breaker.settle(generation, _ServerError(response.status) if response.status >= 500 else None)
        return response


@dataclass(frozen=True, slots=True)
class TraceLayer:
    """A client span, whose ids go along in `traceparent`. A trace that is not recorded gets no span here: the request's
    own ids were put among its headers once (`trace_headers`), and that costs a tenth."""

    client: SubgraphClient
    telemetry: Telemetry

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        if not get_current_span().is_recording():
            return await self.client.send(request)
        with self.telemetry.tracer.start_as_current_span(
            f"subgraph {request.subgraph}",
            kind=SpanKind.CLIENT,
            attributes={"subgraph.name": request.subgraph},
            record_exception=False,
        ) as span:
            response = await self.client.send(replace(request, headers=request.headers + call_headers()))
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= 500:
                span.set_status(StatusCode.ERROR)
            return response


def trace_headers(has_spans: bool) -> Headers:
    """What every call of an unrecorded request carries; nothing for a recorded one, whose calls have own spans."""
    return () if has_spans and get_current_span().is_recording() else call_headers()

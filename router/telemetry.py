"""The router's own numbers, under Apollo Router's names where it has one for the thing counted.

Durations of requests are measured by the middleware in `common.telemetry`.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter

from common.telemetry import Metrics

#: Apollo Router's default buckets, seconds
BUCKETS_S: Sequence[float] = (0.001, 0.005, 0.015, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0, 5.0, 10.0)
_MAX_CODES = 200
_CACHES = ("query planner", "APQ")


class RouterMetrics:
    """Children are kept: looking one up costs 2 µs."""

    def __init__(self, metrics: Metrics) -> None:
        self._errors = metrics.counter("apollo_router_graphql_error", "GraphQL errors sent to clients.", ("code",))
        self._planning = metrics.histogram(
            "apollo_router_query_planning_plan_duration_seconds", "Duration of planning.", buckets=BUCKETS_S
        )
        self._subscriptions = metrics.gauge("apollo_router_opened_subscriptions", "Subscriptions open to clients.")
        self._hits = metrics.tally("apollo_router_cache_hit", "Look-ups that found something.", "kind", _CACHES)
        self._misses = metrics.tally("apollo_router_cache_miss", "Look-ups that found nothing.", "kind", _CACHES)
        self._codes: dict[str, Counter] = {}

    def failed(self, code: str) -> None:
        """Count one error by its code."""
        counter = self._codes.get(code)
        if counter is None:
            if len(self._codes) >= _MAX_CODES:  # subgraphs invent codes, and labels live for ever
                code = "OTHER"
            counter = self._codes[code] = self._errors.labels(code)
        counter.inc()

    def planned(self, duration_s: float) -> None:
        self._planning.observe(duration_s)

    def looked_up(self, kind: str, *, was_found: bool) -> None:
        """`kind` is `query planner` or `APQ`."""
        (self._hits if was_found else self._misses).counts[kind] += 1

    def subscriptions_open(self, count: int) -> None:
        self._subscriptions.set(count)

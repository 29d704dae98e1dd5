"""What operators see of events in `/metrics`: how many were published and consumed, how late, how many given up."""

from collections.abc import Callable

from common.telemetry.metrics import Metrics

_LAG_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0)


class EventMetrics:
    """One per subgraph; several in one process share the registry and differ in the label `service`."""

    def __init__(self, metrics: Metrics, service: str) -> None:
        self._service = service
        self._published = metrics.counter(
            "punnet_events_published_total", "Events acknowledged by the bus.", ("service",)
        ).labels(service)
        self._relay_lag = metrics.histogram(
            "punnet_outbox_lag_seconds",
            "From recording the oldest event of a batch to its publication.",
            ("service",),
            buckets=_LAG_BUCKETS_S,
        ).labels(service)
        self._outbox_age = metrics.gauge(
            "punnet_outbox_oldest_seconds",
            "Age of the oldest event that is recorded and not published yet; 0 when none waits.",
            ("service",),
        ).labels(service)
        self._consumed = metrics.counter(
            "punnet_events_consumed_total",
            "Tries by outcome: handled, duplicate, failed, dead.",
            ("service", "consumer", "outcome"),
        )

    def published(self, count: int) -> None:
        self._published.inc(count)

    def relay_lag(self, seconds: float) -> None:
        self._relay_lag.observe(max(0.0, seconds))

    def outbox_waits(self, age_s: Callable[[], float]) -> None:
        """`age_s` is asked whenever metrics are read, so that a number nobody updates goes on growing."""
        self._outbox_age.set_function(age_s)

    def consumed(self, consumer: str, outcome: str) -> None:
        self._consumed.labels(self._service, consumer, outcome).inc()

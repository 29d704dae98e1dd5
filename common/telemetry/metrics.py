"""Prometheus metrics: one registry per process, in which a metric asked for twice is the same metric.

Router and subgraphs may live in one process and define the same metrics; a label (`service`) tells them apart. Children
(`labels(…)`) cost 2 µs to look up and should be kept by hot paths.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

#: seconds; from an in-process call to a stuck request
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Tally(Collector):
    """A counter for what happens in one thread with every request: `tally.counts[label] += 1` costs a tenth of `inc`.

    Labels are those it is made with; the values are looked at when somebody wants to know."""

    def __init__(self, name: str, description: str, label: str, values: Sequence[str]) -> None:
        self._name = name
        self._description = description
        self._labelnames = (label,)
        self.counts = dict.fromkeys(values, 0)

    def describe(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._description, labels=self._labelnames)

    def collect(self) -> Iterator[CounterMetricFamily]:
        (family,) = self.describe()
        for value, count in self.counts.items():
            family.add_metric([value], count)
        yield family


MetricT = TypeVar("MetricT", Counter, Gauge, Histogram, Tally)


class Metrics:
    """Get or create. Raises ValueError when a name is asked for with another kind or other labels."""

    def __init__(self, registry: CollectorRegistry = prometheus_client.REGISTRY) -> None:
        self.registry = registry

    def counter(self, name: str, description: str, labels: Sequence[str] = ()) -> Counter:
        existing = self._existing(Counter, name, labels)
        return Counter(name, description, labels, registry=self.registry) if existing is None else existing

    def tally(self, name: str, description: str, label: str, values: Sequence[str]) -> Tally:
        """See `Tally`."""
        tally = self._existing(Tally, name, (label,))
        if tally is None:
            tally = Tally(name, description, label, values)
            self.registry.register(tally)
        return tally

    def gauge(self, name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
        existing = self._existing(Gauge, name, labels)
        return Gauge(name, description, labels, registry=self.registry) if existing is None else existing

    def histogram(
        self, name: str, description: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = LATENCY_BUCKETS_S
    ) -> Histogram:
        existing = self._existing(Histogram, name, labels)
        return (
            Histogram(name, description, labels, registry=self.registry, buckets=buckets)
            if existing is None
            else existing
        )

    def _existing(self, kind: type[MetricT], name: str, labels: Sequence[str]) -> MetricT | None:
        # The registry has no public look-up; keeping our own would be state beside the process's registry.
        collector = self.registry._names_to_collectors.get(name)
        if collector is None:
            return None
        if not isinstance(collector, kind) or collector._labelnames != tuple(labels):
            raise ValueError(f"the metric {name} exists with another kind or other labels")
        return collector

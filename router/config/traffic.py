"""Sections about requests to subgraphs: where to, with which headers, how long, how often, and what of their errors
clients see."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from router.config.base import Duration, Pause, Section


class GlobalRateLimit(Section):
    capacity: int = Field(ge=1)
    interval: Duration


class RouterTraffic(Section):
    timeout: Duration = 30.0
    concurrency_limit: int | None = Field(default=None, ge=1)
    global_rate_limit: GlobalRateLimit | None = None


class RetryConfig(Section):
    """Ours. Queries are repeated after failures on the way and 429, 502, 503, 504; mutations never once sent."""

    enabled: bool = True
    max_attempts: int = Field(default=3, ge=1)  #: the first one included
    interval: Pause = 0.05  #: base of the exponential pause
    max_interval: Pause = 2.0


class CircuitBreakerConfig(Section):
    """Ours. Opens after failures in a row, lets one trial through after the reset time."""

    enabled: bool = True
    failure_threshold: int = Field(default=5, ge=1)
    reset_timeout: Duration = 10.0


class ConcurrencyConfig(Section):
    """Ours. So many calls at once at most, and fewer while answers come late."""

    enabled: bool = True
    max: int = Field(default=256, ge=1)


class SubgraphTraffic(Section):
    """None falls back to `all`, and there to the router's defaults."""

    timeout: Duration | None = None
    retry: RetryConfig | None = None
    circuit_breaker: CircuitBreakerConfig | None = None
    concurrency: ConcurrencyConfig | None = None
    #: ours: entities asked for in one request; what is more is asked in several requests side by side
    max_representations: int | None = Field(default=None, ge=1)


class TrafficShapingConfig(Section):
    router: RouterTraffic = RouterTraffic()
    all: SubgraphTraffic = SubgraphTraffic()
    subgraphs: dict[str, SubgraphTraffic] = Field(default_factory=dict)

    def timeout_s(self, subgraph: str) -> float:
        own = self.subgraphs.get(subgraph)
        return (own.timeout if own else None) or self.all.timeout or 30.0

    def patience_s(self, subgraph: str) -> float:
        """The longest anybody waits for an answer of it."""
        return min(self.timeout_s(subgraph), self.router.timeout)

    def max_representations(self, subgraph: str) -> int:
        own = self.subgraphs.get(subgraph)
        return (own.max_representations if own else None) or self.all.max_representations or 1000

    def retry(self, subgraph: str) -> RetryConfig:
        own = self.subgraphs.get(subgraph)
        return (own.retry if own else None) or self.all.retry or RetryConfig()

    def circuit_breaker(self, subgraph: str) -> CircuitBreakerConfig:
        own = self.subgraphs.get(subgraph)
        return (own.circuit_breaker if own else None) or self.all.circuit_breaker or CircuitBreakerConfig()

    def concurrency(self, subgraph: str) -> ConcurrencyConfig:
        own = self.subgraphs.get(subgraph)
        return (own.concurrency if own else None) or self.all.concurrency or ConcurrencyConfig()


class Propagate(Section):
    named: str | None = None
    matching: re.Pattern[str] | None = None
    rename: str | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Propagate:
        if (self.named is None) == (self.matching is None):
            raise ValueError("propagate takes either named or matching")
        if self.matching is not None and (self.rename or self.default):
            raise ValueError("rename and default go with named")
        return self


class Insert(Section):
    name: str
    value: str


class Remove(Section):
    named: str | None = None
    matching: re.Pattern[str] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Remove:
        if (self.named is None) == (self.matching is None):
            raise ValueError("remove takes either named or matching")
        return self


class HeaderRule(Section):
    propagate: Propagate | None = None
    insert: Insert | None = None
    remove: Remove | None = None

    @model_validator(mode="after")
    def _one_verb(self) -> HeaderRule:
        if sum(verb is not None for verb in (self.propagate, self.insert, self.remove)) != 1:
            raise ValueError("a header rule is one of propagate, insert, remove")
        return self


class HeaderRules(Section):
    request: tuple[HeaderRule, ...] = ()


class HeadersConfig(Section):
    all: HeaderRules = HeaderRules()
    subgraphs: dict[str, HeaderRules] = Field(default_factory=dict)


class ErrorRedaction(Section):
    redact_message: bool = False
    allow_extensions_keys: tuple[str, ...] | None = None
    deny_extensions_keys: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_list(self) -> ErrorRedaction:
        if self.allow_extensions_keys is not None and self.deny_extensions_keys is not None:
            raise ValueError("give allow_extensions_keys or deny_extensions_keys, not both")
        return self


class IncludeSubgraphErrorsConfig(Section):
    all: bool | ErrorRedaction = False
    subgraphs: dict[str, bool | ErrorRedaction] = Field(default_factory=dict)

    def of(self, subgraph: str) -> bool | ErrorRedaction:
        return self.subgraphs.get(subgraph, self.all)


class PassthroughConfig(Section):
    """How a subgraph's subscriptions are reached: `graphql_ws` is Apollo's name for `graphql-transport-ws`."""

    path: str | None = None  #: None: the path of the routing URL
    protocol: Literal["graphql_ws"] = "graphql_ws"


class Passthrough(Section):
    all: PassthroughConfig = PassthroughConfig()
    subgraphs: dict[str, PassthroughConfig] = Field(default_factory=dict)


class SubscriptionMode(Section):
    passthrough: Passthrough = Passthrough()

    def path(self, subgraph: str) -> str | None:
        return self.passthrough.subgraphs.get(subgraph, self.passthrough.all).path


class SubscriptionConfig(Section):
    enabled: bool = True
    max_opened_subscriptions: int | None = Field(default=None, ge=1)
    mode: SubscriptionMode = SubscriptionMode()
    max_per_socket: int = Field(default=100, ge=1)  #: ours
    heartbeat_interval: Duration = 5.0  #: ours: multipart and SSE
    connection_init_timeout: Duration = 10.0  #: ours: WebSocket


class PrometheusConfig(Section):
    enabled: bool = True
    path: str = "/metrics"

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("a path starts with /")
        return value


class MetricsExporters(Section):
    prometheus: PrometheusConfig = PrometheusConfig()


class ExportersConfig(Section):
    metrics: MetricsExporters = MetricsExporters()


class SubgraphTracesConfig(Section):
    """Traces are shown whole: subgraphs of ours are asked for their spans, those of others have none to give."""

    enabled: bool = False
    path: str = "/traces"  #: at each subgraph's address; `?limit=` and `/<trace id>` below it

    @field_validator("path")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", value):
            raise ValueError("a path starts with / and has neither a query nor blanks")
        return value


class TracesConfig(Section):
    """The last traces, kept in memory and shown by the router itself. Ours."""

    enabled: bool = False
    path: str = "/traces"
    keep: int = Field(default=200, ge=1, le=10_000)  #: traces
    per_second: float = Field(default=10.0, gt=0)  #: new ones at most: under load a sample, by hand all
    scope: str | None = "ops:read"  #: what the caller's token must hold; null shows them to everybody
    subgraphs: SubgraphTracesConfig = SubgraphTracesConfig()

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("a path starts with /")
        return value


class TelemetryConfig(Section):
    exporters: ExportersConfig = ExportersConfig()
    traces: TracesConfig = TracesConfig()  #: ours

"""What outlives a request: the schema, plans and caches, clients of the subgraphs, keys, counters.

`open_engine` is the one place where the router's parts are put together. Everything it opens it closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from common.auth import CONTEXT_HEADER, ContextSigner, Principal
from common.clock import Clock, SystemClock
from common.resilience import TimeLimit
from common.telemetry import Metrics, Telemetry
from router.config import RouterConfig
from router.config.traffic import ErrorRedaction, IncludeSubgraphErrorsConfig
from router.errors import ConfigurationError
from router.execution.model import REDACT_ERRORS, SHOW_ERRORS, ErrorPolicy, ExecutionContext
from router.operation import DocumentLimits
from router.pipeline.access_rules import AccessRules, read_access_rules
from router.pipeline.authenticate import Authenticator, Caller
from router.pipeline.documents import Documents
from router.pipeline.negotiate import Negotiator
from router.pipeline.offload import Offload
from router.pipeline.persisted_queries import PersistedQueries
from router.pipeline.plans import Plans
from router.pipeline.rate_limit import RateLimits
from router.pipeline.reader import RequestReader
from router.pipeline.readiness import Readiness
from router.pipeline.subgraph_headers import SubgraphHeaders
from router.pipeline.subgraph_layers import layers_for, trace_headers
from router.planner import Planner
from router.supergraph import Supergraph, SupergraphError, load_supergraph
from router.telemetry import RouterMetrics
from router.transport.addresses import BadAddressError
from router.transport.errors import ConnectFailedError
from router.transport.http.pool import PoolLimits
from router.transport.layers import RetryPolicy
from router.transport.model import Headers, SubgraphClient, SubgraphPages, SubgraphStreams
from router.transport.open_client import TransportPolicy, open_subgraph

#: which policies of `@policy` hold for a caller, of those the schema names
PolicyCheck = Callable[[Principal, frozenset[str]], Awaitable[frozenset[str]]]


async def no_policies(principal: Principal, named: frozenset[str]) -> frozenset[str]:
    """Without a check that says otherwise, no policy holds."""
    return frozenset()


@dataclass(slots=True)
class Engine:
    config: RouterConfig
    supergraph: Supergraph
    documents: Documents
    plans: Plans
    persisted_queries: PersistedQueries
    access_rules: AccessRules
    authenticator: Authenticator
    negotiator: Negotiator
    reader: RequestReader
    metrics: RouterMetrics
    clients: Mapping[str, SubgraphClient]
    streams: Mapping[str, SubgraphStreams]
    pages: Mapping[str, SubgraphPages]
    subgraph_headers: SubgraphHeaders
    error_policies: Mapping[str, ErrorPolicy]
    signer: ContextSigner | None
    rate_limits: RateLimits
    readiness: Readiness
    time_limit: TimeLimit
    check_policies: PolicyCheck
    #: false where no request need be looked at for it
    has_access_rules: bool
    asks_who_calls: bool
    shows_plans: bool
    has_telemetry: bool
    has_spans: bool  #: somebody keeps them
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  #: set when the server begins to shut down
    open_subscriptions: int = 0

    @property
    def is_ready(self) -> bool:
        return not self.stopping.is_set() and self.readiness.is_ready

    def context_for(self, caller: Caller, headers: Mapping[str, str]) -> ExecutionContext:
        own: Headers = trace_headers(self.has_spans) if self.has_telemetry else ()
        if self.signer is not None:
            own = (*own, (CONTEXT_HEADER, self.signer.sign(caller.principal)))
        return ExecutionContext(
            self.clients,
            self.streams,
            self.subgraph_headers.headers_for(headers, own),
            self.error_policies.__getitem__,
        )

    async def policies_for(self, caller: Caller) -> frozenset[str]:
        named = self.access_rules.policies
        return await self.check_policies(caller.principal, named) if named else named


@asynccontextmanager
async def open_engine(
    config: RouterConfig,
    supergraph_sdl: str,
    *,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    telemetry: Telemetry | None = None,
    check_policies: PolicyCheck = no_policies,
) -> AsyncIterator[Engine]:
    """Without `metrics`, a registry of its own.

    Raises ConfigurationError for a supergraph that cannot be served and a subgraph that has no usable address, or does
    not start in this process."""
    clock = clock or SystemClock()
    metrics = metrics or Metrics(CollectorRegistry())
    router_metrics = RouterMetrics(metrics)
    try:
        supergraph = load_supergraph(supergraph_sdl)
        planner = Planner(supergraph)
    except SupergraphError as exc:
        raise ConfigurationError(f"{exc.code}: {exc.message}") from exc
    async with AsyncExitStack() as stack:
        clients: dict[str, SubgraphClient] = {}
        streams: dict[str, SubgraphStreams] = {}
        pages: dict[str, SubgraphPages] = {}
        for name, url in subgraph_urls(config, supergraph).items():
            try:
                layers = layers_for(config, name, metrics, telemetry)
                opened = await stack.enter_async_context(open_subgraph(url, _policy(config, name), outer_layer=layers))
            except (BadAddressError, ConnectFailedError) as exc:
                raise ConfigurationError(f"subgraph {name}: {exc}") from exc
            clients[name], streams[name], pages[name] = opened.client, opened.streams, opened.pages
        offload = Offload()
        stack.callback(offload.close)
        max_count = config.supergraph.query_planning.cache.in_memory.limit
        access_rules, authenticator = read_access_rules(supergraph), Authenticator(config.authentication, clock)
        yield Engine(
            config=config,
            supergraph=supergraph,
            documents=Documents(supergraph.api_schema, document_limits(config), max_count, offload),
            plans=Plans(supergraph, planner, router_metrics, offload),
            persisted_queries=PersistedQueries(config.apq, router_metrics),
            access_rules=access_rules,
            authenticator=authenticator,
            negotiator=Negotiator(),
            reader=RequestReader(config.limits, config.preview_file_uploads),
            metrics=router_metrics,
            clients=clients,
            streams=streams,
            pages=pages,
            subgraph_headers=SubgraphHeaders(config.headers),
            error_policies={name: error_policy(config.include_subgraph_errors, name) for name in clients},
            signer=_signer(config, clock),
            rate_limits=RateLimits(config),
            readiness=Readiness(config.health_check.readiness, clock),
            time_limit=TimeLimit(config.traffic_shaping.router.timeout),
            check_policies=check_policies,
            has_access_rules=bool(access_rules) and config.authorization.directives.enabled,
            asks_who_calls=authenticator.is_enabled or config.authorization.require_authentication,
            shows_plans=config.expose_query_plan,
            has_telemetry=telemetry is not None,
            has_spans=telemetry is not None and telemetry.has_sink,
        )


def subgraph_urls(config: RouterConfig, supergraph: Supergraph) -> dict[str, str]:
    """Routing URLs by name, overrides applied. Raises ConfigurationError for names the supergraph does not have."""
    unknown = sorted(set(config.override_subgraph_url) - set(supergraph.subgraphs))
    if unknown:
        known = ", ".join(sorted(supergraph.subgraphs))
        raise ConfigurationError(f"override_subgraph_url: no subgraph {unknown[0]!r}; there are: {known}")
    urls = {name: config.override_subgraph_url.get(name, s.url) for name, s in supergraph.subgraphs.items()}
    for name, url in urls.items():
        if not url:
            raise ConfigurationError(f"subgraph {name}: no routing URL; set override_subgraph_url.{name}")
    return urls


def document_limits(config: RouterConfig) -> DocumentLimits:
    limits = config.limits
    return DocumentLimits(
        max_bytes=limits.http_max_request_bytes,
        parser_max_tokens=limits.parser_max_tokens,
        parser_max_recursion=limits.parser_max_recursion,
        max_depth=limits.max_depth,
        max_height=limits.max_height,
        max_aliases=limits.max_aliases,
        max_root_fields=limits.max_root_fields,
        max_selections=limits.max_selections,
        warn_only=limits.warn_only,
    )


def error_policy(config: IncludeSubgraphErrorsConfig, subgraph: str) -> ErrorPolicy:
    match config.of(subgraph):
        case True:
            return SHOW_ERRORS
        case False:
            return REDACT_ERRORS
        case ErrorRedaction() as redaction:
            allowed = redaction.allow_extensions_keys
            return ErrorPolicy(
                redact_message=redaction.redact_message,
                allow_extensions=None if allowed is None else frozenset(allowed),
                deny_extensions=frozenset(redaction.deny_extensions_keys or ()),
            )


def _policy(config: RouterConfig, subgraph: str) -> TransportPolicy:
    traffic = config.traffic_shaping
    retry = traffic.retry(subgraph)
    policy = RetryPolicy(retry.max_attempts, retry.interval, retry.max_interval) if retry.enabled else None
    path = config.subscription.mode.path(subgraph)
    pool = PoolLimits(max_connections=traffic.concurrency(subgraph).max)
    return TransportPolicy(timeout_s=traffic.timeout_s(subgraph), retry=policy, pool=pool, subscription_path=path)


def _signer(config: RouterConfig, clock: Clock) -> ContextSigner | None:
    if config.signed_context is None:
        return None
    try:
        return ContextSigner(config.signed_context.secret.get_secret_value().encode(), clock)
    except ValueError as exc:
        raise ConfigurationError(f"signed_context.secret: {exc}") from exc

"""The whole of `router.yaml`."""

from __future__ import annotations

from pydantic import Field

from router.config.base import Section
from router.config.http import (
    ApqConfig,
    BatchingConfig,
    CorsConfig,
    CsrfConfig,
    HealthCheckConfig,
    HomepageConfig,
    LimitsConfig,
    SandboxConfig,
    ServerConfig,
    SupergraphConfig,
    UploadsConfig,
)
from router.config.rest import RestConfig
from router.config.security import (
    AuthenticationConfig,
    AuthorizationConfig,
    RateLimitConfig,
    SignedContextConfig,
)
from router.config.traffic import (
    HeadersConfig,
    IncludeSubgraphErrorsConfig,
    SubscriptionConfig,
    TelemetryConfig,
    TrafficShapingConfig,
)


class RouterConfig(Section):
    supergraph: SupergraphConfig = SupergraphConfig()
    server: ServerConfig = ServerConfig()
    limits: LimitsConfig = LimitsConfig()
    csrf: CsrfConfig = CsrfConfig()
    cors: CorsConfig = CorsConfig()
    batching: BatchingConfig = BatchingConfig()
    apq: ApqConfig = ApqConfig()
    preview_file_uploads: UploadsConfig = UploadsConfig()
    health_check: HealthCheckConfig = HealthCheckConfig()
    homepage: HomepageConfig = HomepageConfig()
    sandbox: SandboxConfig = SandboxConfig()
    authentication: AuthenticationConfig = AuthenticationConfig()
    authorization: AuthorizationConfig = AuthorizationConfig()
    signed_context: SignedContextConfig | None = None
    rate_limit: RateLimitConfig | None = None
    traffic_shaping: TrafficShapingConfig = TrafficShapingConfig()
    headers: HeadersConfig = HeadersConfig()
    include_subgraph_errors: IncludeSubgraphErrorsConfig = IncludeSubgraphErrorsConfig()
    override_subgraph_url: dict[str, str] = Field(default_factory=dict)
    subscription: SubscriptionConfig = SubscriptionConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    #: ours: routes made of GraphQL documents
    rest: RestConfig | None = None
    #: ours: answer the header `Apollo-Expose-Query-Plan` (Apollo: a plugin, or APOLLO_EXPOSE_QUERY_PLAN)
    expose_query_plan: bool = False

    def for_development(self) -> RouterConfig:
        """`--dev`: introspection, GraphiQL, subgraph errors and plans shown, as Apollo Router's switch does."""
        return self.model_copy(
            update={
                "supergraph": self.supergraph.model_copy(update={"introspection": True}),
                "sandbox": self.sandbox.model_copy(update={"enabled": True}),
                "include_subgraph_errors": IncludeSubgraphErrorsConfig(all=True),
                "expose_query_plan": True,
            }
        )

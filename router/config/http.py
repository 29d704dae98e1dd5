"""Sections about requests from clients: where they come in, what they may contain, who in a browser may send them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from router.config.base import Duration, Pause, Section, Size


class InMemoryCache(Section):
    limit: int = Field(default=512, ge=1)  #: entries


class CacheConfig(Section):
    in_memory: InMemoryCache = InMemoryCache()


class QueryPlanningConfig(Section):
    cache: CacheConfig = CacheConfig()


class SupergraphConfig(Section):
    listen: str = "127.0.0.1:4000"
    path: str = "/"  #: `/` and `/graphql` stand for each other
    introspection: bool = False
    query_planning: QueryPlanningConfig = QueryPlanningConfig()

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("expected HOST:PORT, such as 127.0.0.1:4000")
        return value

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("a path starts with /")
        return value


class ServerHttpConfig(Section):
    header_read_timeout: Duration = 10.0


class ServerConfig(Section):
    http: ServerHttpConfig = ServerHttpConfig()


class LimitsConfig(Section):
    """Defaults are Apollo's, but for the operation limits, which are on here (`router/operation/limits.py`)."""

    http_max_request_bytes: Size = 2_000_000
    http1_max_request_headers: int = Field(default=100, ge=1)
    http1_max_request_buf_size: Size = 64 * 1024  #: of all headers
    parser_max_tokens: int = Field(default=15_000, ge=1)
    parser_max_recursion: int = Field(default=200, ge=1)  #: the parser itself ends at 200
    max_depth: int | None = Field(default=100, ge=1)
    max_height: int | None = Field(default=None, ge=1)
    max_aliases: int | None = Field(default=500, ge=0)
    max_root_fields: int | None = Field(default=20, ge=1)
    max_selections: int = Field(default=5_000, ge=1)
    warn_only: bool = False


class CsrfConfig(Section):
    unsafe_disabled: bool = False
    required_headers: tuple[str, ...] = ("x-apollo-operation-name", "apollo-require-preflight")

    @field_validator("required_headers")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in value)


class UploadLimits(Section):
    max_files: int = Field(default=5, ge=1, le=100)
    max_file_size: Size = 1_000_000


class MultipartUploads(Section):
    enabled: bool = True
    limits: UploadLimits = UploadLimits()


class UploadProtocols(Section):
    multipart: MultipartUploads = MultipartUploads()


class UploadsConfig(Section):
    """Apollo's section. Files are held in memory: its `mode: stream` does not exist here."""

    enabled: bool = False
    protocols: UploadProtocols = UploadProtocols()

    @property
    def allowed(self) -> UploadLimits | None:
        """None when files are not taken."""
        multipart = self.protocols.multipart
        return multipart.limits if self.enabled and multipart.enabled else None


class CorsPolicy(Section):
    """One set of origins and what they may do; None falls back to the section's own value."""

    origins: tuple[str, ...] = ()
    match_origins: tuple[re.Pattern[str], ...] = ()
    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None
    max_age: Pause | None = None

    def matches(self, origin: str) -> bool:
        return origin in self.origins or any(pattern.search(origin) for pattern in self.match_origins)


class CorsConfig(Section):
    allow_any_origin: bool = False
    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ()  #: empty: whatever the preflight asks for, as Apollo mirrors it
    expose_headers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "POST", "OPTIONS")
    max_age: Pause | None = None
    policies: tuple[CorsPolicy, ...] = (CorsPolicy(origins=("https://studio.apollographql.com",)),)

    @field_validator("policies")
    @classmethod
    def _no_stars(cls, value: tuple[CorsPolicy, ...]) -> tuple[CorsPolicy, ...]:
        if any("*" in policy.origins for policy in value):
            raise ValueError("origins are written out; for any origin set allow_any_origin: true")
        return value


class BatchingConfig(Section):
    enabled: bool = False
    mode: Literal["batch_http_link"] = "batch_http_link"
    maximum_size: int | None = Field(default=None, ge=1)


class ApqRouterConfig(Section):
    cache: CacheConfig = CacheConfig()


class ApqConfig(Section):
    enabled: bool = True
    router: ApqRouterConfig = ApqRouterConfig()


class SubgraphHealthConfig(Section):
    """Ours: `/health` tells of the subgraphs too. Liveness and readiness never depend on them."""

    enabled: bool = False
    path: str = "/health"  #: at each subgraph's address

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.fullmatch(r"/[!-~]*", value):
            raise ValueError("a path starts with /")
        return value


class ReadinessInterval(Section):
    sampling: Duration = 5.0
    unready: Duration | None = None  #: None: twice `sampling`

    @property
    def unready_s(self) -> float:
        return 2 * self.sampling if self.unready is None else self.unready


class ReadinessConfig(Section):
    """Not ready for `unready` once more than `allowed` requests were answered with 503 or 504 within `sampling`."""

    allowed: int = Field(default=100, ge=0)
    interval: ReadinessInterval = ReadinessInterval()


class HealthCheckConfig(Section):
    enabled: bool = True
    path: str = "/health"
    readiness: ReadinessConfig = ReadinessConfig()
    subgraphs: SubgraphHealthConfig = SubgraphHealthConfig()


class HomepageConfig(Section):
    """A page for browsers that says what this address is. Off unless asked for, unlike Apollo's."""

    enabled: bool = False


class SandboxConfig(Section):
    """Apollo serves its Sandbox here; we serve GraphiQL, from files of our own."""

    enabled: bool = False
    bundle: Path | None = None  #: folder with main.js and main.css; None: where `make web` builds it
    examples: Path | None = None  #: JSON file: a list of `{"query", "variables", "headers"}`, a tab each

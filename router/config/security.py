"""Sections about who asks: tokens, permissions, and what subgraphs are told of the caller."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from router.config.base import Duration, Section


class JwksConfig(Section):
    url: str  #: https://…, file:///…, or the key set itself as JSON text
    issuers: tuple[str, ...] | None = None  #: None accepts any
    audiences: tuple[str, ...] | None = None  #: None accepts any
    algorithms: tuple[str, ...] = ("EdDSA", "ES256", "RS256")


class TokenSource(Section):
    type: Literal["header", "cookie"]
    name: str
    value_prefix: str | None = None  #: headers only; Bearer when left out


class JwtConfig(Section):
    jwks: tuple[JwksConfig, ...] = Field(min_length=1)
    header_name: str = "authorization"
    header_value_prefix: str = "Bearer"
    ignore_other_prefixes: bool = False
    sources: tuple[TokenSource, ...] = ()
    on_error: Literal["Error", "Continue"] = "Error"

    @field_validator("header_name")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


class AuthenticationRouterConfig(Section):
    jwt: JwtConfig | None = None


class AuthenticationConfig(Section):
    router: AuthenticationRouterConfig = AuthenticationRouterConfig()


class AuthorizationErrorsConfig(Section):
    log: bool = True
    response: Literal["errors", "extensions", "disabled"] = "errors"


class AuthorizationDirectivesConfig(Section):
    enabled: bool = True
    dry_run: bool = False
    reject_unauthorized: bool = False
    errors: AuthorizationErrorsConfig = AuthorizationErrorsConfig()


class AuthorizationConfig(Section):
    require_authentication: bool = False
    directives: AuthorizationDirectivesConfig = AuthorizationDirectivesConfig()


class SignedContextConfig(Section):
    """Ours: each request to a subgraph carries `x-punnet-context`, a statement about the caller signed with this
    secret, at least 32 bytes."""

    secret: SecretStr


class RateLimitConfig(Section):
    """Ours: requests per caller, where Apollo has one bucket for all."""

    key: Literal["ip", "principal"] = "principal"  #: principal: the token's subject, the address for anonymous callers
    capacity: int = Field(ge=1)
    interval: Duration
    trusted_proxies: int = Field(default=0, ge=0)  #: proxies in front which append to x-forwarded-for

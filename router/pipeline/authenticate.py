"""Who is calling: the token of a request, verified.

No token is no error: the caller is anonymous, and what anonymous callers may see is decided later. A token that is
wrong is one (`on_error: Error`), or makes the caller anonymous (`Continue`). Statuses and messages are Apollo Router's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie

from common.auth import ANONYMOUS, Principal, TokenVerifier, VerifiedToken, key_source
from common.clock import Clock
from common.errors import UnauthenticatedError
from router.config.security import AuthenticationConfig, JwksConfig, JwtConfig, TokenSource
from router.errors import AUTH_ERROR, AUTH_HEADER_ERROR, RequestError, refuse


@dataclass(frozen=True, slots=True)
class Caller:
    principal: Principal
    expires_at: datetime | None = None  #: of the token; None for anonymous callers


ANONYMOUS_CALLER = Caller(ANONYMOUS)


class Authenticator:
    """The configured token sources and key sets of one router."""

    def __init__(self, config: AuthenticationConfig, clock: Clock) -> None:
        jwt = config.router.jwt
        self._sources = _sources(jwt) if jwt else ()
        self._ignores_other_prefixes = jwt is not None and jwt.ignore_other_prefixes
        self._continues = jwt is not None and jwt.on_error == "Continue"
        self._verifiers = [_verifier(jwks, clock) for jwks in jwt.jwks] if jwt else []

    @property
    def is_enabled(self) -> bool:
        return bool(self._verifiers)

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Raises RequestError: 401 for a token that is not valid, 400 for a header of another form."""
        if not self._verifiers:
            return ANONYMOUS_CALLER
        try:
            token = self._find_token(headers)
            return ANONYMOUS_CALLER if token is None else await self._verify(token)
        except RequestError:
            if self._continues:
                return ANONYMOUS_CALLER
            raise

    def _find_token(self, headers: Mapping[str, str]) -> str | None:
        for source in self._sources:
            if source.type == "cookie":
                token = _cookie(headers.get("cookie"), source.name)
            else:
                token = self._from_header(headers.get(source.name.lower()), source)
            if token is not None:
                return token
        return None

    def _from_header(self, value: str | None, source: TokenSource) -> str | None:
        if value is None:
            return None
        prefix = source.value_prefix or ""
        if not prefix:
            return value.strip()
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() != prefix.lower():
            if self._ignores_other_prefixes:
                return None
            raise refuse(AUTH_HEADER_ERROR, f"Value of '{source.name}' JWT header should be prefixed with '{prefix}'")
        token = token.strip()
        if not token or " " in token:
            raise refuse(
                AUTH_HEADER_ERROR, f"Value of '{source.name}' JWT header has only '{prefix}' prefix but no JWT"
            )
        return token

    async def _verify(self, token: str) -> Caller:
        for verifier in self._verifiers:
            try:
                verified: VerifiedToken = await verifier.verify(token)
            except UnauthenticatedError:
                continue
            return Caller(verified.principal, verified.expires_at)
        # one text for every reason: which check failed helps only who tries tokens out
        raise refuse(AUTH_ERROR, "The token is not valid", headers={"www-authenticate": 'Bearer error="invalid_token"'})


def _sources(jwt: JwtConfig) -> Sequence[TokenSource]:
    first = TokenSource(type="header", name=jwt.header_name, value_prefix=jwt.header_value_prefix)
    others = [
        source.model_copy(update={"value_prefix": "Bearer"})
        if source.type == "header" and source.value_prefix is None
        else source
        for source in jwt.sources
    ]
    return (first, *others)


def _verifier(jwks: JwksConfig, clock: Clock) -> TokenVerifier:
    return TokenVerifier(
        key_source(jwks.url.removeprefix("file://"), clock),
        issuer=jwks.issuers,
        audience=jwks.audiences,
        clock=clock,
        algorithms=jwks.algorithms,
    )


def _cookie(header: str | None, name: str) -> str | None:
    if header is None:
        return None
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header)
    except CookieError:
        return None
    return cookies[name].value if name in cookies else None

"""Cross-origin requests: which origins may read answers (Fetch standard, CORS protocol)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from router.config.http import CorsConfig, CorsPolicy
from router.pipeline.http import RawHeaders

T = TypeVar("T")
_VARY = (b"vary", b"origin, access-control-request-headers")


class Cors:
    """The first policy that knows the origin decides; without one no header is sent and the browser refuses."""

    def __init__(self, config: CorsConfig) -> None:
        self._config = config

    def allows(self, origin: str) -> bool:
        return self._config.allow_any_origin or self._policy(origin) is not None

    def headers(self, origin: str) -> RawHeaders:
        """For an answer to a request that carried `Origin`."""
        policy = self._policy(origin)
        if policy is None:
            # `*` and credentials exclude each other in the standard, so any origin gets no credentials
            return ((b"access-control-allow-origin", b"*"),) if self._config.allow_any_origin else ()
        allowed: list[tuple[bytes, bytes]] = [(b"access-control-allow-origin", origin.encode("latin-1"))]
        if _or(policy.allow_credentials, self._config.allow_credentials):
            allowed.append((b"access-control-allow-credentials", b"true"))
        exposed = _or(policy.expose_headers, self._config.expose_headers)
        if exposed:
            allowed.append((b"access-control-expose-headers", ", ".join(exposed).encode()))
        return tuple(allowed)

    def preflight(self, origin: str, headers: Mapping[str, str]) -> RawHeaders:
        """For an OPTIONS request that carried `Origin`."""
        allowed = self.headers(origin)
        if not allowed:
            return (_VARY,)
        policy = self._policy(origin) or CorsPolicy()
        names = _or(policy.allow_headers, self._config.allow_headers)
        # mirrored when none are configured: what a header may do is not decided by its name
        asked = ", ".join(names) if names else headers.get("access-control-request-headers", "")
        methods = _or(policy.methods, self._config.methods)
        max_age_s = policy.max_age if policy.max_age is not None else self._config.max_age
        more = [(b"access-control-allow-methods", ", ".join(methods).encode()), _VARY]
        if asked:
            more.append((b"access-control-allow-headers", asked.encode("latin-1")))
        if max_age_s is not None:
            more.append((b"access-control-max-age", str(int(max_age_s)).encode()))
        return (*allowed, *more)

    def _policy(self, origin: str) -> CorsPolicy | None:
        return next((policy for policy in self._config.policies if policy.matches(origin)), None)


def _or(own: T | None, section: T) -> T:
    return section if own is None else own

"""The part of token verification that PyJWT does against the machine's clock, done against ours, and stricter.

In: a decoded payload whose signature has been checked. Out: nothing, or an UnauthenticatedError whose text is for the
log. Registered claims: RFC 7519 section 4.1.
"""

import re
from collections.abc import Mapping
from typing import Any

from common.auth.principal import Principal
from common.errors import UnauthenticatedError

#: scope-token of RFC 6749 section 3.3
_NAME = re.compile(r"[!#-\[\]-~]{1,100}")


def check_times(claims: Mapping[str, Any], *, now_s: float, leeway_s: float) -> float:
    """exp and iat are required, nbf is honoured; a token from the future is refused. Returns exp in epoch seconds."""
    expires_at = _seconds(claims, "exp")
    if expires_at is None or (issued_at := _seconds(claims, "iat")) is None:
        raise UnauthenticatedError("token without exp or iat")
    if expires_at + leeway_s <= now_s:
        raise UnauthenticatedError("token expired")
    not_before = _seconds(claims, "nbf")
    if issued_at - leeway_s > now_s or (not_before is not None and not_before - leeway_s > now_s):
        raise UnauthenticatedError("token not valid yet")
    return expires_at


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """Who a checked token or statement with a subject is about. The session is `sid` of OpenID Connect."""
    session = _printable(claims, "sid") if "sid" in claims else None
    version = claims.get("account_version", 0)
    if type(version) is not int:
        raise UnauthenticatedError("token with an unusable account_version")
    return Principal(_printable(claims, "sub"), names_in(claims, "roles"), names_in(claims, "scope"), session, version)


def claims_of(principal: Principal) -> dict[str, Any]:
    """The inverse of `principal_of`, in one order so that equal principals give equal tokens."""
    claims: dict[str, Any] = {
        "roles": " ".join(sorted(principal.roles)),
        "scope": " ".join(sorted(principal.scopes)),
    }
    if principal.subject is not None:
        claims["sub"] = principal.subject
    if principal.session is not None:
        claims["sid"] = principal.session
    if principal.account_version:
        claims["account_version"] = principal.account_version
    return claims


def _printable(claims: Mapping[str, Any], claim: str) -> str:
    """A printable, not empty text: it ends up in logs, headers and event metadata."""
    text = claims.get(claim)
    if not isinstance(text, str) or not text or len(text) > 255 or not text.isprintable():
        raise UnauthenticatedError(f"token without a usable {claim}")
    return text


def names_in(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """A set of names, given as a list of strings or, as OAuth 2 does for `scope`, one string separated by spaces."""
    value = claims.get(claim)
    names = value.split() if isinstance(value, str) else value
    if names is None:
        return frozenset()
    # a name with a space in it would be two names once it is written as `scope` again
    if not isinstance(names, list) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise UnauthenticatedError(f"token with an unusable {claim}")
    return frozenset(names)


def _seconds(claims: Mapping[str, Any], claim: str) -> float | None:
    value = claims.get(claim)
    if value is None:
        return None
    # bool is an int in Python, and JSON numbers may be inf after an overflow
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
        raise UnauthenticatedError(f"token with an unusable {claim}")
    return float(value)

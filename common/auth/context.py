"""What the router tells a subgraph about the caller: a short-lived signed statement in the header `x-punnet-context`.

Subgraphs refuse requests without it, which closes `_entities` to everyone but the router. HS256 with a secret both
sides have; several secrets while one replaces another: the first signs, all verify. It says who calls, not what is
called: a leaked statement is worth a minute.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from common.auth.claims import check_times, claims_of, principal_of
from common.auth.principal import ANONYMOUS, Principal
from common.clock import Clock
from common.errors import UnauthenticatedError
from common.lru import LruMap

CONTEXT_HEADER = "x-punnet-context"
CONTEXT_LIFETIME_S = 60
_ALGORITHM = "HS256"
_ISSUER = "punnet-router"
_AUDIENCE = "punnet-subgraph"
_MIN_SECRET_BYTES = 32
_LEEWAY_S = 5.0
_CACHED_COUNT = 4096


def sign_context(principal: Principal, *, secret: bytes, now_s: float) -> str:
    """One statement; anonymous callers get one too (without `sub`). About 25 µs: routers use `ContextSigner`."""
    payload = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "iat": int(now_s),
        "exp": int(now_s + CONTEXT_LIFETIME_S),
        **claims_of(principal),
    }
    return jwt.encode(payload, secret, algorithm=_ALGORITHM)


class ContextSigner:
    """`sign_context` that reuses a principal's statement during the first half of its life."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        _require_long((secret,))
        self._secret = secret
        self._clock = clock
        self._cached: LruMap[Principal, tuple[float, str]] = LruMap(_CACHED_COUNT)

    def sign(self, principal: Principal) -> str:
        now_s = self._clock.now().timestamp()
        cached = self._cached.get(principal)
        if cached is not None and 0 <= now_s - cached[0] < CONTEXT_LIFETIME_S / 2:
            return cached[1]
        token = sign_context(principal, secret=self._secret, now_s=now_s)
        self._cached.put(principal, (now_s, token))
        return token


class ContextVerifier:
    """Remembers statements it has checked; their times are looked at every time."""

    def __init__(self, secrets: Sequence[bytes], clock: Clock) -> None:
        _require_long(secrets)
        self._secrets = tuple(secrets)
        self._clock = clock
        self._checked: LruMap[str, tuple[Mapping[str, Any], Principal]] = LruMap(_CACHED_COUNT)

    def verify(self, token: str | None) -> Principal:
        """Raises UnauthenticatedError, also for a missing header (None)."""
        if not token:
            raise UnauthenticatedError("no signed context")
        checked = self._checked.get(token)
        if checked is None:
            claims = _claims(token, self._secrets)
            checked = claims, _principal(claims)
            self._checked.put(token, checked)
        check_times(checked[0], now_s=self._clock.now().timestamp(), leeway_s=_LEEWAY_S)
        return checked[1]


def _principal(claims: Mapping[str, Any]) -> Principal:
    return principal_of(claims) if "sub" in claims else ANONYMOUS


def _claims(token: str, secrets: Sequence[bytes]) -> Mapping[str, Any]:
    reason: Exception | None = None
    for secret in secrets:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # times are checked by check_times, against our clock
                options={
                    "require": ["exp", "iat", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as exc:
            reason = exc
        else:
            return claims
    raise UnauthenticatedError(f"signed context refused: {reason}") from reason


def _require_long(secrets: Sequence[bytes]) -> None:
    # PyJWT only warns about short keys
    if not secrets or any(len(secret) < _MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"secrets of the signed context need at least {_MIN_SECRET_BYTES} bytes")

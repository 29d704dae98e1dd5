"""Access tokens: EdDSA (or ES256, RS256) JWTs that name their key; who they belong to is a `Principal`.

Claims: sub, iss, aud, iat, exp are required; `roles` and `scope` are names separated by spaces (lists are read too).
Headers that point elsewhere for a key (jku, x5u, jwk, x5c) are never looked at.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.auth.claims import check_times, claims_of, principal_of
from common.auth.keys import MAX_KID_LENGTH, KeySource
from common.auth.principal import Principal
from common.clock import Clock
from common.errors import UnauthenticatedError
from common.lru import LruMap

#: of any access token: so long a subgraph remembers what ended before its time
ACCESS_TOKEN_LIFETIME_MAX_S = 900
DEFAULT_LIFETIME_S = ACCESS_TOKEN_LIFETIME_MAX_S
DEFAULT_LEEWAY_S = 30.0
_MAX_TOKEN_LENGTH = 8 * 1024
_ASYMMETRIC = frozenset({"EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
#: how long a signature checked once is believed: after this a withdrawn key has effect
_VERIFIED_FOR_S = 60.0
_VERIFIED_COUNT = 4096


@dataclass(frozen=True, slots=True)
class SignedToken:
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    principal: Principal
    expires_at: datetime
    #: the whole payload, for claims of the issuer's own
    claims: Mapping[str, Any]


class TokenSigner:
    """Issues tokens with one private key; its kid is the key's thumbprint (RFC 7638)."""

    def __init__(
        self,
        private_key: Ed25519PrivateKey,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        lifetime_s: int = DEFAULT_LIFETIME_S,
    ) -> None:
        self._private_key = private_key
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._public_jwk = public_jwk(private_key)

    @property
    def kid(self) -> str:
        return self._public_jwk["kid"]

    @property
    def jwks(self) -> str:
        """The key set to publish, as JSON text."""
        return key_set(self._private_key)

    def sign(self, principal: Principal, **claims: Any) -> SignedToken:
        """A token for an authenticated principal; `claims` adds to the payload and cannot replace what is ours.

        Raises ValueError for an anonymous principal.
        """
        if principal.subject is None:
            raise ValueError("an anonymous principal gets no token")
        now_s = int(self._clock.now().timestamp())
        payload = claims | {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": now_s,
            "exp": now_s + self._lifetime_s,
            **claims_of(principal),
        }
        token = jwt.encode(payload, self._private_key, algorithm="EdDSA", headers={"kid": self.kid})
        return SignedToken(token, datetime.fromtimestamp(now_s + self._lifetime_s, UTC))


class TokenVerifier:
    """Checks tokens against a key source. Checked signatures are remembered for a minute (EdDSA: 130 µs each).

    `issuer` and `audience`: the one, or any of those, the token must name; None accepts tokens of all.
    """

    def __init__(
        self,
        keys: KeySource,
        *,
        issuer: str | Sequence[str] | None,
        audience: str | Sequence[str] | None,
        clock: Clock,
        leeway_s: float = DEFAULT_LEEWAY_S,
        algorithms: Sequence[str] = ("EdDSA",),
    ) -> None:
        if unknown := set(algorithms) - _ASYMMETRIC:
            # with HS256 allowed, anyone holding the public key could sign
            raise ValueError(f"only asymmetric algorithms can be verified with public keys, not {sorted(unknown)}")
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._required = ["exp", "iat", "sub"]
        self._required += ["aud"] if audience is not None else []
        self._required += ["iss"] if issuer is not None else []
        self._clock = clock
        self._leeway_s = leeway_s
        self._algorithms = list(algorithms)
        self._verified: LruMap[str, tuple[float, Mapping[str, Any]]] = LruMap(_VERIFIED_COUNT)

    async def verify(self, token: str) -> VerifiedToken:
        """Raises UnauthenticatedError for whatever is wrong with the token; its text says what, for the log only."""
        claims = await self._claims(token)
        expires_at_s = check_times(claims, now_s=self._clock.now().timestamp(), leeway_s=self._leeway_s)
        return VerifiedToken(principal_of(claims), datetime.fromtimestamp(expires_at_s, UTC), claims)

    async def _claims(self, token: str) -> Mapping[str, Any]:
        now_s = self._clock.monotonic()
        known = self._verified.get(token)
        if known is not None and known[0] > now_s:
            return known[1]
        key = await self._key(token)
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                # times are checked by check_times, against our clock
                options={
                    "require": self._required,
                    "verify_aud": self._audience is not None,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as exc:
            raise UnauthenticatedError(f"token refused: {exc}") from exc
        self._verified.put(token, (now_s + _VERIFIED_FOR_S, claims))
        return claims

    async def _key(self, token: str) -> jwt.PyJWK:
        if len(token) > _MAX_TOKEN_LENGTH:
            raise UnauthenticatedError("token too long")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as exc:
            raise UnauthenticatedError(f"token unreadable: {exc}") from exc
        if header.get("alg") not in self._algorithms or "crit" in header:
            raise UnauthenticatedError("token with an algorithm or extension that is not allowed")
        kid = header.get("kid")
        if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
            raise UnauthenticatedError("token without a usable kid")
        key = await self._keys.key(kid)
        if key is None:
            raise UnauthenticatedError("token signed with an unknown key")
        return key


def generate_private_key() -> str:
    """A fresh Ed25519 key as PKCS 8 PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def load_private_key(pem: str) -> Ed25519PrivateKey:
    """Raises ValueError if it is not an unencrypted Ed25519 key."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("expected an Ed25519 private key")
    return key


def public_jwk(private_key: Ed25519PrivateKey) -> dict[str, str]:
    """The public half as a JWK, its kid being the thumbprint."""
    raw = private_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    required = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    # RFC 7638: the required members only, in lexical order, without spaces
    kid = _base64url(hashlib.sha256(orjson.dumps(required)).digest())
    return required | {"use": "sig", "alg": "EdDSA", "kid": kid}


def key_set(*private_keys: Ed25519PrivateKey) -> str:
    """The public halves as a JWKS in JSON: during rotation the new key and the old one."""
    return orjson.dumps({"keys": [public_jwk(key) for key in private_keys]}).decode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

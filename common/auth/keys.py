"""Public keys for verifying tokens, as a JSON Web Key Set (RFC 7517) given inline, by file or by address.

A `KeySource` answers one question: the key of this `kid`, or None. Files and addresses are read again when an unknown
`kid` turns up and now and then to notice withdrawn keys, but never more often than `MIN_REFRESH_S`: a flood of
made-up kids costs one request per half minute. While a source cannot be read the keys of the last reading stay in use.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import jwt
import orjson
import structlog

from common.clock import Clock, SystemClock

MIN_REFRESH_S = 30.0
MAX_AGE_S = 300.0
MAX_KID_LENGTH = 128
_FETCH_TIMEOUT_S = 5.0
_MAX_SET_BYTES = 256 * 1024

Fetch = Callable[[], Awaitable[bytes]]
_log = structlog.get_logger(__name__)


class KeySource(Protocol):
    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key of that id, or None. Never raises for what a token says."""


def key_source(text: str, clock: Clock | None = None) -> KeySource:
    """JSON text, an http(s) address or the path of a file. Raises ValueError for JSON that is no key set."""
    if text.lstrip().startswith("{"):
        return StaticKeys(parse_key_set(text.encode()))
    if text.startswith(("https://", "http://")):
        return RefreshedKeys(lambda: fetch_url(text), clock or SystemClock())
    return RefreshedKeys(lambda: asyncio.to_thread(Path(text).read_bytes), clock or SystemClock())


def parse_key_set(data: bytes) -> dict[str, jwt.PyJWK]:
    """Keys by kid. Keys without kid, for encryption, symmetric or of an unknown kind are left out.

    Raises ValueError if it is no JSON object with a list `keys`.
    """
    try:
        document: Any = orjson.loads(data)
    except ValueError as exc:
        raise ValueError("not a JSON Web Key Set: not JSON") from exc
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JSON Web Key Set: no list `keys`")
    keys: dict[str, jwt.PyJWK] = {}
    for entry in entries:
        if not _is_verification_key(entry):
            continue
        try:
            keys[entry["kid"]] = jwt.PyJWK(entry)
        except jwt.PyJWTError:
            _log.warning("a key of the key set is of an unknown kind", kid=entry["kid"])
    return keys


def _is_verification_key(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("kid"), str)
        and entry.get("use", "sig") == "sig"
        # a symmetric key in a public set would let anyone sign
        and entry.get("kty") in {"OKP", "EC", "RSA"}
    )


class StaticKeys:
    """Keys that never change."""

    def __init__(self, keys: Mapping[str, jwt.PyJWK]) -> None:
        self._keys = dict(keys)

    async def key(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid)


class RefreshedKeys:
    """Keys read again through `fetch`; concurrent callers share one reading."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        if self._is_due(kid):
            async with self._reading:
                # whoever waited for the lock finds the work done
                if self._is_due(kid):
                    await self._read()
        return self._keys.get(kid)

    def _is_due(self, kid: str) -> bool:
        if self._read_at is None:
            return True
        age_s = self._clock.monotonic() - self._read_at
        return age_s >= MAX_AGE_S or (kid not in self._keys and age_s >= MIN_REFRESH_S)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT_S):
                self._keys = parse_key_set(await self._fetch())
        except (OSError, ValueError, TimeoutError, aiohttp.ClientError) as exc:
            _log.warning("the key set cannot be read, keeping the keys known so far", error=repr(exc))
        # only now: who asks while the set is being read shall wait for it, and a cancelled reading counts for nothing
        self._read_at = self._clock.monotonic()


async def fetch_url(url: str) -> bytes:
    """The body.

    Redirects are not followed; raises aiohttp.ClientError or ValueError when it is not a reasonable answer.
    """
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        body = await response.content.read(_MAX_SET_BYTES + 1)
        while len(body) <= _MAX_SET_BYTES and (more := await response.content.read(_MAX_SET_BYTES + 1)):
            body += more
        if len(body) > _MAX_SET_BYTES:
            raise ValueError(f"key set larger than {_MAX_SET_BYTES} bytes")
        return body

"""Personal data at rest: sealed with AES-256-GCM, found again through a keyed hash.

A sealed value is bound to its place (table, column, row): copied elsewhere it does not open. Its first bytes name the
key, so keys rotate by adding one in front and sealing old values anew whenever they are written.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
SEPARATOR = b":"


class UnsealError(Exception):
    """Unknown key, or the value was changed or moved. Never says more."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    key_id: str
    secret: bytes


def parse_keys(text: str) -> tuple[SealingKey, ...]:
    """`k2:<64 hex digits>,k1:<64 hex digits>`, the first seals, all open. Raises ValueError without repeating a key."""
    keys: list[SealingKey] = []
    for part in text.split(","):
        key_id, _, digits = part.strip().partition(":")
        if not key_id.isalnum() or len(digits) != 2 * KEY_BYTES:
            raise ValueError("sealing keys are written as <id>:<64 hex digits>, several separated by commas")
        keys.append(SealingKey(key_id, bytes.fromhex(digits)))
    return tuple(keys)


class Sealer:
    """Seals text with the newest key, opens text of every known key."""

    def __init__(self, keys: Sequence[SealingKey]) -> None:
        if not keys:
            raise ValueError("no sealing key")
        self._current = keys[0].key_id
        self._ciphers = {key.key_id: AESGCM(key.secret) for key in keys}

    def seal(self, text: str, place: str) -> bytes:
        """`place` says where the value is stored, such as `user_account.email:<id>`."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, text.encode(), place.encode())
        return self._current.encode() + SEPARATOR + nonce + sealed

    def unseal(self, sealed: bytes, place: str) -> str:
        """Raises UnsealError."""
        key_id, _, rest = bytes(sealed).partition(SEPARATOR)
        cipher = self._ciphers.get(key_id.decode("ascii", "replace"))
        if cipher is None:
            raise UnsealError("sealed with an unknown key")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.encode()).decode()
        except InvalidTag as exc:
            raise UnsealError("the sealed value does not belong here") from exc


class BlindIndex:
    """Keyed hash of a value: equal values are found and kept unique, yet the column does not tell them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            raise ValueError(f"the index key needs at least {KEY_BYTES} bytes")
        self._secret = secret

    def hash(self, value: str) -> str:
        """64 hex digits. Normalise the value first."""
        return hmac.new(self._secret, value.encode(), hashlib.sha256).hexdigest()

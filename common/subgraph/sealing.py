"""Personal data at rest: sealed with AES-256-GCM, found again through a keyed hash.

Envelope encryption: a value is sealed with the data key of the person it is about (`common.subgraph.data_keys`), and
that key lies wrapped under a key-encryption key from the settings. So keys of the settings rotate without touching the
values, and forgetting one data key makes everything about one person unreadable.

A sealed value is bound to its place (table, column, row): copied elsewhere it does not open. Its first bytes name the
key. Source of the scheme: NIST SP 800-38D (GCM with random 96-bit nonces), SP 800-57 part 1 (key-encryption keys).
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.lru import LruMap

KEY_BYTES = 32
NONCE_BYTES = 12
SEPARATOR = b":"
#: names data keys in what they sealed; no key of the settings may be called so
DATA_KEY_ID = "data"
#: opened data keys a process keeps at hand: 16,384 people
CACHED_KEY_COUNT = 16_384


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
        if not key_id.isalnum() or key_id == DATA_KEY_ID or len(digits) != 2 * KEY_BYTES:
            raise ValueError("sealing keys are written as <id>:<64 hex digits>, several separated by commas")
        keys.append(SealingKey(key_id, bytes.fromhex(digits)))
    if len({key.key_id for key in keys}) != len(keys):
        raise ValueError("sealing keys need ids of their own")
    return tuple(keys)


class Sealer:
    """Seals bytes and text with the newest key, opens what any known key sealed."""

    def __init__(self, keys: Sequence[SealingKey]) -> None:
        if not keys:
            raise ValueError("no sealing key")
        self.current_id = keys[0].key_id
        self._ciphers = {key.key_id: AESGCM(key.secret) for key in keys}

    def seal(self, text: str, place: str) -> bytes:
        """`place` says where the value is stored, such as `user_account.email:<id>`."""
        return self.seal_bytes(text.encode(), place)

    def seal_bytes(self, value: bytes, place: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.current_id].encrypt(nonce, value, place.encode())
        return self.current_id.encode() + SEPARATOR + nonce + sealed

    def unseal(self, sealed: bytes, place: str) -> str:
        """Raises UnsealError."""
        return self.unseal_bytes(sealed, place).decode()

    def unseal_bytes(self, sealed: bytes, place: str) -> bytes:
        """Raises UnsealError."""
        key_id, _, rest = bytes(sealed).partition(SEPARATOR)
        cipher = self._ciphers.get(key_id.decode("ascii", "replace"))
        if cipher is None:
            raise UnsealError("sealed with an unknown key")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as exc:
            raise UnsealError("the sealed value does not belong here") from exc


def key_id_of(sealed: bytes) -> str:
    """Id of the key that sealed the value."""
    return bytes(sealed).partition(SEPARATOR)[0].decode("ascii", "replace")


class KeyRing:
    """Key-encryption keys: they wrap data keys and seal nothing else. Opened data keys are kept by their wrapped form,
    so whoever lost the row of a key cannot open anything with what is kept here.
    """

    def __init__(self, keys: Sequence[SealingKey]) -> None:
        self._wrapping = Sealer(keys)
        self._opened: LruMap[tuple[UUID, bytes], Sealer] = LruMap(CACHED_KEY_COUNT)

    @property
    def current_id(self) -> str:
        return self._wrapping.current_id

    def new_key(self, subject: UUID) -> bytes:
        """A data key for that person, wrapped: what the row in `data_key` holds."""
        return self._wrap(os.urandom(KEY_BYTES), subject)

    def open(self, wrapped_key: bytes, subject: UUID) -> Sealer:
        """Seals and opens values about that person. Raises UnsealError."""
        wrapped_key = bytes(wrapped_key)
        sealer = self._opened.get((subject, wrapped_key))
        if sealer is None:
            sealer = Sealer([SealingKey(DATA_KEY_ID, self._unwrap(wrapped_key, subject))])
            self._opened.put((subject, wrapped_key), sealer)
        return sealer

    def rewrap(self, wrapped_key: bytes, subject: UUID) -> bytes:
        """The same data key under the newest key-encryption key. Raises UnsealError."""
        return self._wrap(self._unwrap(wrapped_key, subject), subject)

    def _wrap(self, secret: bytes, subject: UUID) -> bytes:
        return self._wrapping.seal_bytes(secret, _place(subject))

    def _unwrap(self, wrapped_key: bytes, subject: UUID) -> bytes:
        return self._wrapping.unseal_bytes(wrapped_key, _place(subject))


def _place(subject: UUID) -> str:
    return f"data_key.wrapped_key:{subject}"


class BlindIndex:
    """Keyed hash of a value: equal values are found and kept unique, yet the column does not tell them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            raise ValueError(f"the index key needs at least {KEY_BYTES} bytes")
        self._secret = secret

    def hash(self, value: str) -> str:
        """64 hex digits. Normalise the value first."""
        return hmac.new(self._secret, value.encode(), hashlib.sha256).hexdigest()

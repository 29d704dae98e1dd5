"""The vault: the only place that sees card numbers. Out comes a token; number and code never leave.

A number is sealed with AES-256-GCM (the token is bound to it as associated data) and forgotten after a day; the code is
kept in the memory of this process until the card is charged, at most. Two tokens of one card have the same fingerprint,
a keyed HMAC of the number.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.clock import Clock
from common.ids import new_id
from common.lru import LruMap
from common.luhn import passes_luhn
from deploy.sandbox.psp.cards import MAGIC_TOKENS, Means, bank_account_of, card_of_number
from deploy.sandbox.psp.errors import card_error, in_use, invalid, missing

LIFETIME = dt.timedelta(hours=24)
_NONCE_BYTES = 12

_INSERT = """
INSERT INTO token (id, means, sealed_number, is_reusable, request_key, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (request_key) DO NOTHING
"""
_FORGET = "DELETE FROM token WHERE expires_at < $1"


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """`first` seals; all open. The fingerprint is keyed by the oldest, so that it survives a rotation."""

    by_id: Mapping[str, bytes]
    first: str

    @classmethod
    def parse(cls, text: str) -> "VaultKeys":
        """From `<id>:<64 hex digits>,…`. Raises ValueError."""
        pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
        keys = {key_id: bytes.fromhex(digits) for key_id, _, digits in pairs}
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("a vault key is <id>:<64 hex digits>")
        return cls(keys, next(iter(keys)))

    def seal(self, number: str, place: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.by_id[self.first]).encrypt(nonce, number.encode(), place.encode())
        return self.first.encode() + b":" + nonce + sealed

    def unseal(self, sealed: bytes, place: str) -> str:
        """Raises cryptography's InvalidTag for what was sealed elsewhere or changed."""
        key_id, _, rest = sealed.partition(b":")
        key = AESGCM(self.by_id[key_id.decode()])
        return key.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.encode()).decode()

    def fingerprint(self, text: str) -> str:
        oldest = self.by_id[list(self.by_id)[-1]]
        return hmac.new(oldest, b"fingerprint:" + text.encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    means: Means
    is_reusable: bool
    expires_at: dt.datetime | None

    def shown(self) -> dict[str, Any]:
        """As the API tells it; there is nothing secret in it."""
        return {
            "id": self.id,
            "object": "payment_method" if self.is_reusable else "token",
            "type": self.means.kind,
            self.means.kind: shown_means(self.means),
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }


@dataclass(frozen=True, slots=True)
class Vault:
    pool: asyncpg.Pool
    clock: Clock
    keys: VaultKeys
    #: security codes by token, until the first charge
    codes: LruMap[str, str] = field(default_factory=lambda: LruMap(10_000))

    async def tokenize_card(self, card: Mapping[str, Any], key: str | None = None) -> Token:
        """The same card under the same idempotency key is the same token again.

        Raises ApiError: incorrect_number, invalid_expiry, invalid_cvc, idempotency_key_in_use.
        """
        number = "".join(str(card.get("number", "")).split()).replace("-", "")
        if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and passes_luhn(number)):
            raise card_error("incorrect_number", "The card number is incorrect.", param="number")
        month, year = _number(card.get("exp_month")), _number(card.get("exp_year"))
        if not 1 <= month <= 12 or not (2000 <= year <= 2100 or 0 <= year < 100):
            raise card_error("invalid_expiry", "The expiry date is not a date.", param="exp_month")
        code = str(card.get("cvc") or "")
        if code and not (code.isascii() and code.isdigit() and len(code) in (3, 4)):
            raise card_error("invalid_cvc", "The security code has three or four digits.", param="cvc")
        means = card_of_number(number, month, year if year >= 2000 else 2000 + year, self.keys.fingerprint(number))
        token = await self._keep(means, number, key)
        if code:
            self.codes.put(token.id, code)
        return token

    async def tokenize_account(self, account: Mapping[str, Any], key: str | None = None) -> Token:
        iban = "".join(str(account.get("iban", "")).split()).upper()
        if not (iban.isascii() and iban.isalnum() and iban[:2].isalpha() and 15 <= len(iban) <= 34):
            raise invalid("incorrect_iban", "That is not an IBAN.", param="iban")
        return await self._keep(bank_account_of(iban, self.keys.fingerprint(iban)), iban, key)

    async def find(self, token: str) -> Token:
        """Raises ApiError where there is no such token, or not any more."""
        if known := MAGIC_TOKENS.get(token):
            fingerprint = self.keys.fingerprint(token)
            return Token(token, replace(known, fingerprint=fingerprint), is_reusable=True, expires_at=None)
        row = await self.pool.fetchrow("SELECT * FROM token WHERE id = $1", token)
        if row is None or (row["expires_at"] and row["expires_at"] < self.clock.now()):
            raise missing("token")
        return Token(row["id"], Means(**row["means"]), row["is_reusable"], row["expires_at"])

    async def keep(self, token: Token, request_key: str) -> str:
        """Id of a means of payment that lasts, made of a token; the number is not copied, as with network tokens."""
        kept = new_id("pm")
        values = [kept, asdict(token.means), None, True, request_key, self.clock.now(), None]
        await self.pool.execute(_INSERT, *values)
        found: str = await self.pool.fetchval("SELECT id FROM token WHERE request_key = $1", request_key)
        return found

    async def detach(self, method: str) -> None:
        await self.pool.execute("DELETE FROM token WHERE id = $1 AND is_reusable", method)

    async def forget_expired(self) -> None:
        await self.pool.execute(_FORGET, self.clock.now())

    def take_code(self, token: str) -> bool:
        """Whether there was a code; it is gone afterwards."""
        was_there = self.codes.get(token) is not None
        self.codes.pop(token)
        return was_there

    async def _keep(self, means: Means, number: str, key: str | None) -> Token:
        token, now = new_id("tok"), self.clock.now()
        sealed = self.keys.seal(number, token)
        request_key = f"token:{key}" if key else None
        await self.pool.execute(_INSERT, token, asdict(means), sealed, False, request_key, now, now + LIFETIME)
        if request_key is None:
            return Token(token, means, is_reusable=False, expires_at=now + LIFETIME)
        row = await self.pool.fetchrow("SELECT * FROM token WHERE request_key = $1", request_key)
        made = Token(row["id"], Means(**row["means"]), row["is_reusable"], row["expires_at"])
        if made.means != means:
            raise in_use("The key was used for another card.")
        return made


def shown_means(means: Means) -> dict[str, Any]:
    match means.kind:
        case "card":
            names = ("brand", "last4", "exp_month", "exp_year", "funding", "fingerprint")
            return {name: getattr(means, name) for name in names}
        case "wallet":
            return {"provider": means.brand}
        case _:
            return {"iban_last4": means.last4, "fingerprint": means.fingerprint}


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else -1

"""What must never leave the process by a log line or a span: secrets, tokens, e-mail addresses, card numbers.

By name: values under keys such as `password` or `authorization`. By shape, in any text: JSON Web Tokens, bearer
tokens, passwords in addresses, e-mail addresses, and digits that are a payment card number by their first digit,
length and Luhn checksum (ISO/IEC 7812-1), with or without spaces and hyphens.
"""

import re
from collections.abc import Mapping
from typing import Any

from common.luhn import passes_luhn

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"(?:^|_)(?:password|passwd|secret|token|authorization|cookie|cvv|cvc|pan|card|jwt|api_?key|private_?key|card_?number"
    r"|email|e_mail|phone)(?:$|_)"
)
_CAMEL_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
#: only where a word begins: else a row of beginnings takes quadratic time
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_CREDENTIALS = re.compile(r"://[^/\s@]+@")
#: 13 to 19 digits beginning like a card; times in milliseconds or nanoseconds begin with 1
_CARD = re.compile(r"(?<![0-9A-Za-z])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_MAX_DEPTH = 8


def redact(value: Any, depth: int = 0) -> Any:
    """A copy with everything sensitive replaced, in mappings and sequences too; what lies deeper than 8 is left out."""
    match value:
        case str():
            return redact_text(value)
        case bool() | float() | None:
            return value
        case int():
            return REDACTED if value > 10**12 and _CARD.fullmatch(str(value)) and passes_luhn(str(value)) else value
        case Mapping():
            if depth == _MAX_DEPTH:
                return "…"
            return {
                key: REDACTED if isinstance(key, str) and is_secret_key(key) and item else redact(item, depth + 1)
                for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return "…" if depth == _MAX_DEPTH else [redact(item, depth + 1) for item in value]
        case _:
            return value


def is_secret_key(key: str) -> bool:
    return _SECRET_KEY.search(_CAMEL_BORDER.sub("_", key).lower().replace("-", "_")) is not None


def redact_text(text: str) -> str:
    """The text with e-mail addresses, tokens, passwords in addresses and card numbers replaced."""
    if "@" in text:
        # before e-mail addresses: `://user:password@host.example` looks like one
        text = _CREDENTIALS.sub("://[redacted]@", text)
        text = _EMAIL.sub("[e-mail]", text)
    if "eyJ" in text:
        text = _JWT.sub("[token]", text)
    if "earer" in text or "asic" in text or "EARER" in text:
        text = _BEARER.sub(r"\1 [token]", text)
    if len(text) >= 13:
        text = _CARD.sub(_redact_card, text)
    return text


def _redact_card(match: re.Match[str]) -> str:
    digits = match.group().replace(" ", "").replace("-", "")
    return "[card]" if passes_luhn(digits) else match.group()

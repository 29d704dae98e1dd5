"""What may be taken for a token, and text that must not hold a card number.

A caller who sends a card number in the wrong place must not make us keep it: such text is refused before it reaches a
table, a log or the provider.
"""

import re

from common.luhn import passes_luhn

_TOKEN = re.compile(r"(?:tok|pm)_[A-Za-z0-9_]{1,90}")
#: only where words begin and end: a hexadecimal key has runs of digits in it, one in 450 of which passes Luhn's check
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?:[0-9][ -]?){12,18}[0-9](?![0-9A-Za-z])")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None and not holds_card_number(text)


def holds_card_number(text: str) -> bool:
    """Whether 13 to 19 digits in a row, maybe in groups, pass Luhn's check."""
    return not _UUID.fullmatch(text) and any(passes_luhn(re.sub("[ -]", "", found)) for found in _DIGITS.findall(text))

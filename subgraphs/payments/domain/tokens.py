"""What may be taken for a token, and text that must not hold a card number.

A caller who sends a card number in the wrong place must not make us keep it: such text is refused before it reaches a
table, a log or the provider.
"""

import re

from common.luhn import passes_luhn

_TOKEN = re.compile(r"(?:tok|pm)_[A-Za-z0-9_]{1,90}")
_DIGITS = re.compile(r"(?:[0-9][ -]?){12,18}[0-9]")


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None and not holds_card_number(text)


def holds_card_number(text: str) -> bool:
    """Whether 13 to 19 digits in a row, maybe in groups, pass Luhn's check."""
    return any(passes_luhn(re.sub("[ -]", "", found)) for found in _DIGITS.findall(text))

"""What text of one line may hold when it is kept to be shown to others."""

import unicodedata

#: directional embeddings, overrides and isolates (Unicode Standard Annex 9): with them a name reads as another one
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: control characters, surrogates, separators of lines and paragraphs; what is not assigned may be by tomorrow
_UNPRINTABLE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_printable_line(text: str) -> bool:
    """Whether all characters stand for themselves. Joiners are let through: emoji and many scripts need them."""
    return (text.isascii() and text.isprintable()) or not any(_is_unprintable(character) for character in text)


def _is_unprintable(character: str) -> bool:
    # U+FFFE and its like in every plane, and U+FDD0 to U+FDEF, are no characters for good
    is_none = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return is_none or character in _REORDERING or unicodedata.category(character) in _UNPRINTABLE_CATEGORIES

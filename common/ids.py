"""Identifiers a reader can tell apart: `ord_01h455vb4pex5vsknk084sn02q` is a prefix and a UUIDv7.

In the database they are native `uuid` columns, on the wire and in logs they are TypeIDs (https://github.com/jetify-
com/typeid, specification 0.3): the prefix names the kind of thing, so that an order's id handed in for a product
fails at once, and the 26 characters are the UUID in Crockford's base 32, lower case, so that ids sort by their time
of creation.
"""

import re
import secrets
import time
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: two characters for ten bits
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
#: to the digits that `int` knows
_DIGITS = bytes.maketrans(_ALPHABET.encode(), b"0123456789abcdefghijklmnopqrstuv")
# 26 characters hold 130 bits: the first carries the two bits left over and so is never above 7
_SUFFIX = re.compile(f"[0-7][{_ALPHABET}]{{25}}")
_SUFFIX_LENGTH = 26
_PREFIX = re.compile(r"[a-z](?:[a-z_]{0,61}[a-z])?")


class InvalidIdError(ValueError):
    """The text is not an id of the kind asked for. The message is safe to show to clients."""


def uuid7() -> UUID:
    """A fresh UUIDv7 (RFC 9562): milliseconds, then 12 bits of the fraction of the millisecond (its method 3), then 62
    random bits.

    Ids of one process sort by creation down to about 250 ns; within that, and between machines, the order is random.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = (rest_ns << 12) // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62))


def new_id(prefix: str) -> str:
    """A fresh id, e.g. `new_id("ord")`."""
    return format_id(prefix, uuid7())


def format_id(prefix: str, value: UUID) -> str:
    """`prefix_suffix`. Raises ValueError for a prefix the specification does not allow: that is our own mistake."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a TypeID prefix: {prefix!r}")
    pairs, number = _PAIRS, value.int
    # spelt out, in two halves of small numbers: a page of orders has hundreds of ids
    high, low = number >> 60, number & 0xFFFFFFFFFFFFFFF
    return (
        f"{prefix}_{pairs[high >> 60]}{pairs[high >> 50 & 1023]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
        f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}{pairs[low >> 50]}"
        f"{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}"
        f"{pairs[low & 1023]}"
    )


def parse_id(prefix: str, text: str) -> UUID:
    """The UUID of an id of that kind.

    Raises InvalidIdError for anything else, upper case included: one id has one spelling.
    """
    head, _, suffix = text.rpartition("_")
    if head != prefix or _SUFFIX.fullmatch(suffix) is None:
        raise InvalidIdError(f"not a valid id: expected {prefix}_ and {_SUFFIX_LENGTH} characters")
    return UUID(int=int(suffix.encode("ascii").translate(_DIGITS), 32))

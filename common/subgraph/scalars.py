"""The two custom scalars of the shop. Every other value is a GraphQL built-in, so clients need two mappings only.

`DateTime`: RFC 3339, always UTC, always three fractional digits and `Z`. `Decimal`: a JSON string, never a float.
"""

import datetime as dt
import decimal
import re
from typing import Any

import strawberry
from strawberry.types.scalar import ScalarDefinition

DATE_TIME_SPECIFICATION = "https://scalars.graphql.org/andimarek/date-time"
DECIMAL_SPECIFICATION = "https://example.invalid/scalars/decimal"

#: more digits than any amount of money, few enough that arithmetic on hostile input stays cheap
MAX_DECIMAL_CHARACTERS = 40
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def serialize_date_time(value: dt.datetime) -> str:
    """`2026-01-31T09:05:00.120Z`. Raises ValueError for a naive time: guessing a zone would hide a bug."""
    if value.tzinfo is None:
        raise ValueError("a DateTime must be aware")
    # the six characters cut off are +00:00
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_date_time(value: Any) -> dt.datetime:
    """Aware UTC time of an RFC 3339 string. Raises ValueError, whose text is shown to the client."""
    if not isinstance(value, str):
        raise ValueError("DateTime must be a string in RFC 3339 format.")
    try:
        parsed = dt.datetime.fromisoformat(value)
    except ValueError as exc:
        raise ValueError("DateTime must be in RFC 3339 format, such as 2026-01-31T09:05:00.000Z.") from exc
    if parsed.tzinfo is None:
        raise ValueError("DateTime must carry an offset, such as Z.")
    return parsed.astimezone(dt.UTC)


def parse_decimal(value: Any) -> decimal.Decimal:
    """Finite decimal of a string or an integer literal. A float is refused: it has already lost the amount."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError('Decimal must be a string, such as "12.50".')
    text = str(value)
    if len(text) > MAX_DECIMAL_CHARACTERS:
        raise ValueError("Decimal has too many digits.")
    # Python's own parser takes more: other scripts' digits, underscores, spaces around, exponents, NaN
    if not _DECIMAL.fullmatch(text):
        raise ValueError('Decimal must be a finite number without exponent in a string, such as "12.50".')
    return decimal.Decimal(text)


def scalar_map() -> dict[object, ScalarDefinition]:
    """Strawberry's mapping from the Python types `datetime` and `Decimal` to our scalars."""
    return {
        dt.datetime: strawberry.scalar(
            name="DateTime",
            description="RFC 3339, UTC, millisecond precision",
            specified_by_url=DATE_TIME_SPECIFICATION,
            serialize=serialize_date_time,
            parse_value=parse_date_time,
        ),
        decimal.Decimal: strawberry.scalar(
            name="Decimal",
            description="A decimal number as a string",
            specified_by_url=DECIMAL_SPECIFICATION,
            serialize=lambda value: format(value, "f"),
            parse_value=parse_decimal,
        ),
    }

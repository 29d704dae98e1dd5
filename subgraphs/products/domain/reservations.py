"""Reserve, commit, release, each idempotent by order: the words of that protocol, and why a line is refused."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

RESERVATION_TTL_MAX_S = 3600
#: a reservation is swept this long after it expired, so that a payment on the last second still finds it
SWEEP_GRACE_S = 5


@dataclass(frozen=True, slots=True)
class WantedLine:
    """One line of a reservation request; the price is what the buyer was shown, None if the buyer does not insist."""

    product_id: UUID
    quantity: int
    expected_price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class ReservedLine:
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    currency: str
    weight_grams: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Stock held for one order until `expires_at`; lines in the order of the request."""

    order_id: UUID
    lines: tuple[ReservedLine, ...]
    expires_at: datetime


class RefusalCode(StrEnum):
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    PRICE_CHANGED = "PRICE_CHANGED"
    PRODUCT_NOT_FOUND = "PRODUCT_NOT_FOUND"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What the locked row said about one wanted line; `price_minor` is None where the product is not for sale."""

    wanted: WantedLine
    available: int
    price_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class ReservationRefusal:
    """Why nothing was reserved, with the lines to blame; a reservation is all or nothing."""

    code: RefusalCode
    lines: tuple[LineVerdict, ...]


def refusal(verdicts: tuple[LineVerdict, ...], currency: str | None) -> ReservationRefusal | None:
    """The most fundamental reason to refuse, or None; `currency` None asks only that all lines share one."""
    missing = tuple(v for v in verdicts if v.price_minor is None)
    if missing:
        return ReservationRefusal(RefusalCode.PRODUCT_NOT_FOUND, missing)
    wanted_currency = currency or verdicts[0].currency
    foreign = tuple(v for v in verdicts if v.currency != wanted_currency)
    if foreign:
        return ReservationRefusal(RefusalCode.CURRENCY_MISMATCH, foreign)
    drifted = tuple(v for v in verdicts if v.wanted.expected_price_minor not in {None, v.price_minor})
    if drifted:
        return ReservationRefusal(RefusalCode.PRICE_CHANGED, drifted)
    short = tuple(v for v in verdicts if v.available < v.wanted.quantity)
    if short:
        return ReservationRefusal(RefusalCode.INSUFFICIENT_STOCK, short)
    return None

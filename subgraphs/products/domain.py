"""Rules of the catalogue and of stock, pure: no I/O, no ORM, no GraphQL.

Statuses, what a caller may see, how a page is ordered, and the words of the reservation protocol
(reserve, commit, release; each idempotent by order).
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from common.text import is_printable_line
from subgraphs.products.errors import InvalidInput

PRODUCT_PREFIX = "prod"
CATEGORY_PREFIX = "cat"
ORDER_PREFIX = "ord"
MOVEMENT_PREFIX = "mov"

LOW_STOCK_THRESHOLD_DEFAULT = 5
RESERVATION_TTL_MAX_S = 3600
#: a reservation is swept this long after it expired, so that a payment on the last second still finds it
SWEEP_GRACE_S = 5
NAME_LENGTH_MAX = 200
QUANTITY_MAX = 1_000_000_000
WEIGHT_MAX_GRAMS = 10_000_000
#: in minor units; a hundred lines of ten thousand such products still fit into 64 bits
PRICE_MAX_MINOR = 100_000_000_000
DESCRIPTION_LENGTH_MAX = 10_000
#: currencies a product can have prices in, its own included
PRICE_COUNT_MAX = 50
_SKU = re.compile(r"[A-Z0-9][A-Z0-9._-]{1,63}")


class ProductStatus(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class StockStatus(StrEnum):
    IN_STOCK = "IN_STOCK"
    LOW_STOCK = "LOW_STOCK"
    OUT_OF_STOCK = "OUT_OF_STOCK"


class InventoryReason(StrEnum):
    RECEIVED = "RECEIVED"
    DAMAGED = "DAMAGED"
    CORRECTION = "CORRECTION"
    RETURNED = "RETURNED"


class MovementReason(StrEnum):
    """Why units came or went: what staff says, and what happens by itself."""

    INITIAL = "INITIAL"
    RECEIVED = "RECEIVED"
    DAMAGED = "DAMAGED"
    CORRECTION = "CORRECTION"
    RETURNED = "RETURNED"
    SHIPPED = "SHIPPED"


class ProductSort(StrEnum):
    RELEVANCE = "RELEVANCE"
    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    NAME_ASC = "NAME_ASC"


#: A product never goes back to DRAFT: orders may point at it, and a draft is hidden from customers.
STATUS_TRANSITIONS: Mapping[ProductStatus, frozenset[ProductStatus]] = {
    ProductStatus.DRAFT: frozenset({ProductStatus.ACTIVE, ProductStatus.ARCHIVED}),
    ProductStatus.ACTIVE: frozenset({ProductStatus.ARCHIVED}),
    ProductStatus.ARCHIVED: frozenset({ProductStatus.ACTIVE}),
}

#: Which direction a movement of stock may have, by reason: +1 in, -1 out, 0 either.
REASON_DIRECTION: Mapping[InventoryReason, int] = {
    InventoryReason.RECEIVED: 1,
    InventoryReason.RETURNED: 1,
    InventoryReason.DAMAGED: -1,
    InventoryReason.CORRECTION: 0,
}


@dataclass(frozen=True, slots=True)
class Price:
    """Minor units of `currency`; `compare_at_minor` is what it cost before a reduction."""

    price_minor: int
    currency: str
    compare_at_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """One row of the catalogue with its stock and prices, as read in one statement."""

    id: UUID
    sku: str
    name: str
    slug: str
    description: str | None
    status: ProductStatus
    price_minor: int
    currency: str
    compare_at_minor: int | None
    #: JSON `{currency: [price_minor, compare_at_minor | null]}` of the further currencies, None where there are none;
    #: read only when somebody asks
    price_list: str | None
    weight_grams: int
    category_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    on_hand: int
    reserved: int
    low_stock_threshold: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    @property
    def stock_status(self) -> StockStatus:
        return stock_status(self.available, self.low_stock_threshold)

    def prices(self) -> list[Price]:
        """The product's own price, then those of its list by currency; each currency once."""
        listed = json.loads(self.price_list) if self.price_list else {}
        others = sorted((currency, pair) for currency, pair in listed.items() if currency != self.currency)
        own = Price(self.price_minor, self.currency, self.compare_at_minor)
        return [own, *(Price(minor, currency, compare_at) for currency, (minor, compare_at) in others)]


@dataclass(frozen=True, slots=True)
class Category:
    id: UUID
    name: str
    slug: str
    parent_id: UUID | None
    position: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True)
class StockMovement:
    """Units that came (positive) or went; `order_id` is the order whose goods they were."""

    id: UUID
    product_id: UUID
    reason: MovementReason
    delta: int
    order_id: UUID | None
    actor: str
    created_at: datetime


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


def stock_status(available: int, low_stock_threshold: int) -> StockStatus:
    if available <= 0:
        return StockStatus.OUT_OF_STOCK
    return StockStatus.LOW_STOCK if available <= low_stock_threshold else StockStatus.IN_STOCK


def is_visible(status: ProductStatus, *, sees_drafts: bool, by_reference: bool) -> bool:
    """Whether a caller may read a product; an archived one stays readable from the orders that hold it."""
    match status:
        case ProductStatus.ACTIVE:
            return True
        case ProductStatus.ARCHIVED:
            return by_reference or sees_drafts
        case ProductStatus.DRAFT:
            return sees_drafts


def listed_status(requested: ProductStatus | None, *, sees_drafts: bool) -> ProductStatus | None:
    """The status whose products a list shows; None where the caller asks for what it may not see."""
    status = requested or ProductStatus.ACTIVE
    return status if is_visible(status, sees_drafts=sees_drafts, by_reference=False) else None


def check_adjustment(reason: InventoryReason, delta: int) -> None:
    """Raise InvalidInput where a movement of `delta` units cannot have that reason."""
    direction = REASON_DIRECTION[reason]
    if delta == 0:
        raise InvalidInput("The adjustment must not be zero.", ("delta",))
    if abs(delta) > QUANTITY_MAX:
        raise InvalidInput(f"At most {QUANTITY_MAX} units can be moved at once.", ("delta",))
    if direction * delta < 0:
        expected = "positive" if direction > 0 else "negative"
        raise InvalidInput(f"An adjustment for {reason.value} must be {expected}.", ("delta",))


def check_name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > NAME_LENGTH_MAX or not is_printable_line(cleaned):
        raise InvalidInput(f"A name has 1 to {NAME_LENGTH_MAX} printable characters.", ("name",))
    return cleaned


def check_price(price_minor: int) -> None:
    if not 0 <= price_minor <= PRICE_MAX_MINOR:
        raise InvalidInput("A price is not negative, and not that high.", ["price"])


def check_compare_at(price: Price) -> None:
    """Raise InvalidInput where the price before a reduction is not higher than the price."""
    if price.compare_at_minor is not None:
        check_price(price.compare_at_minor)
        if price.compare_at_minor <= price.price_minor:
            raise InvalidInput("The price to compare with is higher than the price.", ["compareAtPrice"])


def check_description(description: str | None) -> str | None:
    if description is not None and len(description) > DESCRIPTION_LENGTH_MAX:
        raise InvalidInput(f"A description has at most {DESCRIPTION_LENGTH_MAX} characters.", ["description"])
    return description


def check_threshold(units: int) -> None:
    if not 0 <= units <= QUANTITY_MAX:
        raise InvalidInput(f"The threshold is between 0 and {QUANTITY_MAX} units.", ["lowStockThreshold"])


def check_weight(weight_grams: int) -> None:
    if not 0 <= weight_grams <= WEIGHT_MAX_GRAMS:
        raise InvalidInput(f"A weight is between 0 and {WEIGHT_MAX_GRAMS} grams.", ["weightGrams"])


def check_sku(sku: str) -> str:
    cleaned = sku.strip().upper()
    if not _SKU.fullmatch(cleaned):
        raise InvalidInput("A SKU has 2 to 64 letters, digits, dots, dashes or underscores.", ("sku",))
    return cleaned


def check_status_change(current: ProductStatus, wanted: ProductStatus) -> None:
    if wanted is not current and wanted not in STATUS_TRANSITIONS[current]:
        allowed = ", ".join(sorted(STATUS_TRANSITIONS[current]))
        raise InvalidInput(f"A product that is {current} can only become {allowed}.", ("status",))


def slugify(name: str) -> str:
    """`Café au lait, 250 g` becomes `cafe-au-lait-250-g`; text without Latin letters or digits becomes `product`."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:80].rstrip("-") or "product"

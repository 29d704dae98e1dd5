"""Products and categories as they are read, the life of a product, and who sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.products.domain.stock import StockStatus, stock_status
from subgraphs.products.errors import InvalidInput


class ProductStatus(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


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


def check_status_change(current: ProductStatus, wanted: ProductStatus) -> None:
    if wanted is not current and wanted not in STATUS_TRANSITIONS[current]:
        allowed = ", ".join(sorted(STATUS_TRANSITIONS[current]))
        raise InvalidInput(f"A product that is {current} can only become {allowed}.", ("status",))

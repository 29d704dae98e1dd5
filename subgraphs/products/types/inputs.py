"""What clients send. A field left out stays as it is; null empties it where that is said."""

import strawberry

from common.subgraph.types import MoneyInput
from subgraphs.products.domain.catalogue import ProductStatus
from subgraphs.products.domain.stock import InventoryReason

_EXPECTED = (
    "The version the caller has seen; a StaleVersionError where it is another one now. Without: last writer wins"
)
_KEY = "The same key with the same input does it once and answers the same again, for 72 hours"


@strawberry.input(description="All of them together; what is left out does not narrow")
class ProductFilter:
    category_id: strawberry.ID | None = strawberry.field(default=None, description="In it, or in one below it")
    status: ProductStatus | None = strawberry.field(default=None, description="ACTIVE unless given")
    currency: str | None = strawberry.field(
        default=None, description="Sold in it; prices are compared and sorted in it. That of priceMin unless given"
    )
    price_min: MoneyInput | None = None
    price_max: MoneyInput | None = None
    in_stock: bool | None = None
    query: str | None = strawberry.field(
        default=None,
        description='Words; "phrase"; -without; or. Where nothing has those words: names that look like them',
    )
    ids: list[strawberry.ID] | None = None


@strawberry.input(description="A price in a further currency")
class ProductPriceInput:
    price: MoneyInput
    compare_at_price: MoneyInput | None = strawberry.field(
        default=None, description="The price before a reduction: higher, in the same currency"
    )


@strawberry.input
class ProductCreateInput:
    name: str
    price: MoneyInput = strawberry.field(description="In the product's own currency")
    sku: str | None = strawberry.field(default=None, description="One is made up unless given")
    description: str | None = None
    weight_grams: int = 0
    inventory: int = strawberry.field(default=0, description="Units in stock to begin with")
    category_id: strawberry.ID | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)
    status: ProductStatus = strawberry.field(default=ProductStatus.ACTIVE, description="DRAFT or ACTIVE")
    compare_at_price: MoneyInput | None = strawberry.field(default=None, description="The price before a reduction")
    prices: list[ProductPriceInput] = strawberry.field(
        default_factory=list, description="In further currencies, each once"
    )


@strawberry.input
class ProductUpdateInput:
    id: strawberry.ID
    name: str | None = None
    description: str | None = strawberry.field(default=strawberry.UNSET, description="null takes it away")
    price: MoneyInput | None = None
    compare_at_price: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET, description="null ends the reduction, as a price that is not lower any more does"
    )
    weight_grams: int | None = None
    category_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="null takes it out of its category"
    )
    status: ProductStatus | None = strawberry.field(default=None, description="Nothing becomes a DRAFT again")
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input
class ProductArchiveInput:
    id: strawberry.ID
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input
class ProductPriceSetInput:
    product_id: strawberry.ID
    price: MoneyInput
    compare_at_price: MoneyInput | None = strawberry.field(default=None, description="The price before a reduction")
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input
class ProductPriceRemoveInput:
    product_id: strawberry.ID
    currency: str
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input
class InventoryAdjustInput:
    product_id: strawberry.ID
    delta: int = strawberry.field(description="Units: positive to put in, negative to take out; never reserved ones")
    reason: InventoryReason
    idempotency_key: str = strawberry.field(description=_KEY)
    order_id: strawberry.ID | None = strawberry.field(
        default=None, description="With RETURNED: the order they come back of, never more than were shipped for it"
    )


@strawberry.input
class InventoryThresholdSetInput:
    product_id: strawberry.ID
    low_stock_threshold: int = strawberry.field(description="LOW_STOCK from so many available units downwards")


@strawberry.input
class CategoryCreateInput:
    name: str
    parent_id: strawberry.ID | None = strawberry.field(default=None, description="On the first level unless given")
    position: int = 0


@strawberry.input
class CategoryUpdateInput:
    id: strawberry.ID
    name: str | None = None
    position: int | None = None
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input
class CategoryMoveInput:
    id: strawberry.ID
    parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where it goes, with all that is below it; the first level unless given"
    )
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input
class CategoryDeleteInput:
    id: strawberry.ID
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)

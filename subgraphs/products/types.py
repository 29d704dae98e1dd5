"""GraphQL types of the products subgraph and how records become them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self, TypeAlias, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from common.auth import Principal
from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.access import require_scope
from common.subgraph.connections import Connection
from common.subgraph.context import Context
from common.subgraph.keyset import page_request
from common.subgraph.schema import Representation
from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    Money,
    MoneyInput,
    NotFoundError,
    StaleVersionError,
    UserError,
)
from subgraphs.products import domain
from subgraphs.products.domain import (
    CATEGORY_PREFIX,
    PRODUCT_PREFIX,
    InventoryReason,
    ProductSort,
    ProductStatus,
    StockStatus,
    is_visible,
)
from subgraphs.products.loaders import ProductLoaders
from subgraphs.products.service.catalogue import KEYSETS, product_of
from subgraphs.products.service.shop import ProductsService

Info: TypeAlias = strawberry.Info[Context[ProductsService, ProductLoaders], None]

KeyT = TypeVar("KeyT")
RowT = TypeVar("RowT")

CATALOG_WRITE = "catalog:write"
INVENTORY_READ = "inventory:read"
INVENTORY_WRITE = "inventory:write"

for _kind in (ProductStatus, StockStatus, ProductSort, InventoryReason):
    strawberry.enum(_kind)


@strawberry.type
class Inventory:
    on_hand: int
    reserved: int = strawberry.field(description="Held for orders that are not shipped yet")
    available: int
    low_stock_threshold: int


@strawberry.federation.type(keys=["id"])
class Category:
    record: strawberry.Private[domain.Category]
    id: strawberry.ID
    name: str
    slug: str

    @classmethod
    def of(cls, record: domain.Category) -> Self:
        public_id = strawberry.ID(format_id(CATEGORY_PREFIX, record.id))
        return cls(record=record, id=public_id, name=record.name, slug=record.slug)

    @strawberry.field
    async def parent(self, info: Info) -> "Category | None":
        return await load_category(info, self.record.parent_id)

    @strawberry.field(description="Active products, newest first")
    async def products(self, info: Info, first: int | None = 20, after: str | None = None) -> "Connection[Product]":
        newest = KEYSETS[domain.ProductSort.NEWEST]
        request = page_request(newest, first=first, after=after, filter_by={"category": True})
        page = await info.context.loaders.category_page.load((self.record.id, request))
        return Connection[Product].of(page, lambda row: Product.of(product_of(row)))

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Category | None]":
        ids = [uuid_of(CATEGORY_PREFIX, str(representation.get("id"))) for representation in representations]
        records = await _load_known(info.context.loaders.category, ids)
        return [cls.of(record) if record else None for record in records]


@strawberry.federation.type(keys=["id", "sku"])
class Product:
    record: strawberry.Private[domain.Product]
    id: strawberry.ID
    sku: str
    name: str
    slug: str
    description: str | None
    status: ProductStatus
    weight_grams: int
    stock_status: StockStatus
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: domain.Product) -> Self:
        return cls(
            record=record,
            id=strawberry.ID(format_id(PRODUCT_PREFIX, record.id)),
            sku=record.sku,
            name=record.name,
            slug=record.slug,
            description=record.description,
            status=record.status,
            weight_grams=record.weight_grams,
            stock_status=record.stock_status,
            version=record.version,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )

    @strawberry.field
    def price(self) -> Money:
        return Money.of(self.record.price_minor, self.record.currency)

    @strawberry.field(description="The price before a reduction")
    def compare_at_price(self) -> Money | None:
        minor = self.record.compare_at_minor
        return None if minor is None else Money.of(minor, self.record.currency)

    @strawberry.field
    async def category(self, info: Info) -> Category | None:
        return await load_category(info, self.record.category_id)

    @strawberry.federation.field(requires_scopes=[[INVENTORY_READ]])
    def inventory(self, info: Info) -> Inventory | None:
        require_scope(info.context.principal, INVENTORY_READ)
        record = self.record
        return Inventory(
            on_hand=record.on_hand,
            reserved=record.reserved,
            available=record.available,
            low_stock_threshold=record.low_stock_threshold,
        )

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Product | None]":
        """By `id`, else by `sku`. An archived product stays readable: old orders refer to it."""
        loaders = info.context.loaders
        ids = [uuid_of(PRODUCT_PREFIX, str(given["id"])) if "id" in given else None for given in representations]
        skus = [None if "id" in given else str(given.get("sku")) for given in representations]
        by_id = await _load_known(loaders.product, ids)
        by_sku = await _load_known(loaders.product_by_sku, skus)
        found = [by_id[index] or by_sku[index] for index in range(len(representations))]
        return [visible(info.context.principal, record, by_reference=True) for record in found]


def visible(principal: Principal, record: domain.Product | None, *, by_reference: bool = False) -> Product | None:
    """The product, or None where the caller may not know of it."""
    if record is None:
        return None
    may_see = is_visible(record.status, sees_drafts=sees_drafts(principal), by_reference=by_reference)
    return Product.of(record) if may_see else None


def sees_drafts(principal: Principal) -> bool:
    return principal.has_scope(CATALOG_WRITE)


async def load_category(info: Info, category_id: UUID | None) -> Category | None:
    if category_id is None:
        return None
    record = await info.context.loaders.category.load(category_id)
    return Category.of(record) if record else None


async def _load_known(loader: DataLoader[KeyT, RowT | None], keys: Sequence[KeyT | None]) -> list[RowT | None]:
    """Rows of the keys that are keys at all, None for the others; one batch."""
    rows = iter(await loader.load_many([key for key in keys if key is not None]))
    return [next(rows) if key is not None else None for key in keys]


def uuid_of(prefix: str, text: str) -> UUID | None:
    """None for what is not an id of that kind: nothing can be known by it."""
    try:
        return parse_id(prefix, text)
    except InvalidIdError:
        return None


@strawberry.type
class DuplicateSkuError(UserError):
    existing: Product | None


ProductError = Annotated[
    InvalidInputError | NotFoundError | StaleVersionError | DuplicateSkuError | IdempotencyConflictError,
    strawberry.union("ProductError"),
]


@strawberry.type
class ProductPayload:
    product: Product | None = None
    errors: list[ProductError] = strawberry.field(default_factory=list)


@strawberry.input
class ProductFilter:
    category_id: strawberry.ID | None = None
    status: ProductStatus | None = strawberry.field(default=None, description="ACTIVE unless given")
    price_min: MoneyInput | None = None
    price_max: MoneyInput | None = None
    in_stock: bool | None = None
    query: str | None = strawberry.field(default=None, description='Words; "phrase"; -without; or')
    ids: list[strawberry.ID] | None = None


@strawberry.input
class ProductCreateInput:
    name: str
    price: MoneyInput
    sku: str | None = None
    description: str | None = None
    weight_grams: int = 0
    inventory: int = 0
    category_id: strawberry.ID | None = None
    idempotency_key: str | None = None


@strawberry.input
class ProductUpdateInput:
    id: strawberry.ID
    name: str | None = None
    description: str | None = None
    price: MoneyInput | None = None
    status: ProductStatus | None = None
    expected_version: int | None = None


@strawberry.input
class InventoryAdjustInput:
    product_id: strawberry.ID
    delta: int
    reason: InventoryReason
    idempotency_key: str

"""Products, categories and their stock as GraphQL types, and how records become them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Self, TypeAlias, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.federation.schema_directives import ListSize

from common.auth import Principal
from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.access import require_scope
from common.subgraph.connections import Connection
from common.subgraph.context import Context
from common.subgraph.database import Row
from common.subgraph.keyset import Page, page_request
from common.subgraph.schema import Representation
from common.subgraph.types import Money
from subgraphs.products.domain import catalogue, stock
from subgraphs.products.domain.catalogue import ProductSort, ProductStatus, is_visible
from subgraphs.products.domain.stock import InventoryReason, MovementReason, StockStatus
from subgraphs.products.domain.words import CATEGORY_PREFIX, MOVEMENT_PREFIX, ORDER_PREFIX, PRODUCT_PREFIX
from subgraphs.products.loaders import ProductLoaders
from subgraphs.products.service.catalogue import KEYSETS, product_of
from subgraphs.products.service.shop import ProductsService
from subgraphs.products.service.stock_keeping import MOVEMENTS, movement_of

Info: TypeAlias = strawberry.Info[Context[ProductsService, ProductLoaders], None]

KeyT = TypeVar("KeyT")
RowT = TypeVar("RowT")

CATALOG_WRITE = "catalog:write"
INVENTORY_READ = "inventory:read"
INVENTORY_WRITE = "inventory:write"

#: what a page costs, for the router's demand control
BY_PAGE = ListSize(
    assumed_size=None,
    slicing_arguments=["first"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)

strawberry.enum(ProductStatus, description="Drafts are for the catalogue's staff; archived ones stay in old orders")
strawberry.enum(StockStatus, description="What everybody may know of the stock")
strawberry.enum(
    ProductSort,
    description="RELEVANCE goes with a search. The newest first, where two are equal in a descending order",
)
strawberry.enum(InventoryReason, description="RECEIVED and RETURNED put units in, DAMAGED takes them out")
strawberry.enum(MovementReason, description="An InventoryReason, or INITIAL or SHIPPED, which happen by themselves")


@strawberry.type(description="Units of a product that came or went; the sum of them all is what is on hand")
class StockMovement:
    id: strawberry.ID
    reason: MovementReason
    delta: int = strawberry.field(description="Positive for units that came, negative for those that went")
    order_id: strawberry.ID | None = strawberry.field(description="Of units shipped for an order, or come back of it")
    actor: str = strawberry.field(description="The id of a user, or the part of the system that did it")
    created_at: datetime

    @classmethod
    def of(cls, record: stock.StockMovement) -> Self:
        order_id = record.order_id
        return cls(
            id=strawberry.ID(format_id(MOVEMENT_PREFIX, record.id)),
            reason=record.reason,
            delta=record.delta,
            order_id=strawberry.ID(format_id(ORDER_PREFIX, order_id)) if order_id else None,
            actor=record.actor,
            created_at=record.created_at,
        )


@strawberry.type(description="Stock of a product, for staff")
class Inventory:
    product_id: strawberry.Private[UUID]
    on_hand: int = strawberry.field(description="In the house: what was put in less what was shipped or lost")
    reserved: int = strawberry.field(description="Held for orders that are not shipped yet")
    available: int = strawberry.field(description="On hand and not reserved")
    low_stock_threshold: int = strawberry.field(description="LOW_STOCK from so many available units downwards")

    @strawberry.federation.field(description="Every unit that came or went, the latest first", directives=[BY_PAGE])
    async def movements(
        self, info: Info, first: int | None = 20, after: str | None = None
    ) -> "Connection[StockMovement]":
        request = page_request(MOVEMENTS, first=first, after=after)
        page = await info.context.loaders.movement_page.load((self.product_id, request))
        return Connection[StockMovement].of(page, lambda row: StockMovement.of(movement_of(row)))


@strawberry.type(description="What a product costs in one currency")
class ProductPrice:
    price: Money
    compare_at_price: Money | None = strawberry.field(description="The price before a reduction")

    @classmethod
    def of(cls, record: catalogue.Price) -> Self:
        before = record.compare_at_minor
        return cls(
            price=Money.of(record.price_minor, record.currency),
            compare_at_price=None if before is None else Money.of(before, record.currency),
        )


@strawberry.federation.type(keys=["id"], description="A shelf of the shop; shelves stand on shelves")
class Category:
    record: strawberry.Private[catalogue.Category]
    id: strawberry.ID
    name: str
    slug: str = strawberry.field(description="For addresses; it stays when the name changes")
    position: int = strawberry.field(description="Its place among those beside it, the lowest first")
    version: int = strawberry.field(description="Grows with every change; give it back as `expectedVersion`")

    @classmethod
    def of(cls, record: catalogue.Category) -> Self:
        public_id = strawberry.ID(format_id(CATEGORY_PREFIX, record.id))
        return cls(
            record=record,
            id=public_id,
            name=record.name,
            slug=record.slug,
            position=record.position,
            version=record.version,
        )

    @strawberry.field
    async def parent(self, info: Info) -> "Category | None":
        return await load_category(info, self.record.parent_id)

    @strawberry.field(description="Directly below it, by position")
    async def children(self, info: Info) -> "list[Category]":
        return [Category.of(record) for record in await info.context.service.categories.children(self.record.id)]

    @strawberry.federation.field(
        description="Active products in it and in all categories below it, the newest first", directives=[BY_PAGE]
    )
    async def products(self, info: Info, first: int | None = 20, after: str | None = None) -> "ProductConnection":
        newest = KEYSETS[ProductSort.NEWEST]
        request = page_request(newest, first=first, after=after, filter_by={"category": True})
        loaders = info.context.loaders
        page = await loaders.category_page.load((self.record.id, request))
        return products_of(page, lambda: loaders.category_count.load(self.record.id))

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Category | None]":
        ids = [uuid_of(CATEGORY_PREFIX, str(representation.get("id"))) for representation in representations]
        records = await _load_known(info.context.loaders.category, ids)
        return [cls.of(record) if record else None for record in records]


@strawberry.federation.type(keys=["id", "sku"], description="Something that is sold, by the unit")
class Product:
    record: strawberry.Private[catalogue.Product]
    id: strawberry.ID
    sku: str = strawberry.field(description="The shop's own number of it: capital letters, digits, dots and dashes")
    name: str
    slug: str = strawberry.field(description="For addresses; it stays when the name changes")
    description: str | None
    status: ProductStatus
    weight_grams: int
    stock_status: StockStatus
    version: int = strawberry.field(description="Grows with every change; give it back as `expectedVersion`")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: catalogue.Product) -> Self:
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

    @strawberry.field(description="In its own currency; see `prices` for the others")
    def price(self) -> Money:
        return Money.of(self.record.price_minor, self.record.currency)

    @strawberry.field(description="The price before a reduction")
    def compare_at_price(self) -> Money | None:
        minor = self.record.compare_at_minor
        return None if minor is None else Money.of(minor, self.record.currency)

    @strawberry.field(description="The price in that currency; null where it is not sold in it")
    def price_in(self, currency: str) -> Money | None:
        found = [price for price in self.record.prices() if price.currency == currency]
        return Money.of(found[0].price_minor, currency) if found else None

    @strawberry.field(description="The price list: one price per currency it is sold in, its own first")
    def prices(self) -> list[ProductPrice]:
        return [ProductPrice.of(price) for price in self.record.prices()]

    @strawberry.field
    async def category(self, info: Info) -> Category | None:
        return await load_category(info, self.record.category_id)

    @strawberry.federation.field(requires_scopes=[[INVENTORY_READ]])
    def inventory(self, info: Info) -> Inventory | None:
        require_scope(info.context.principal, INVENTORY_READ)
        record = self.record
        return Inventory(
            product_id=record.id,
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


@strawberry.type(description="A page of products")
class ProductConnection(Connection[Product]):
    count: strawberry.Private[Callable[[], Awaitable[int | None]]]

    @strawberry.field(description="How many there are on all pages; null for more than 10,000")
    async def total_count(self) -> int | None:
        return await self.count()


def products_of(page: Page[Row], count: Callable[[], Awaitable[int | None]]) -> ProductConnection:
    """`count` is called where the total is asked for."""
    return ProductConnection.of(page, lambda row: Product.of(product_of(row)), count=count)


def visible(principal: Principal, record: catalogue.Product | None, *, by_reference: bool = False) -> Product | None:
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

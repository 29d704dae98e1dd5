"""Root fields of the products subgraph: each calls the service or a loader and maps what comes back."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import ListSize

from common.errors import BadInputError
from common.money import InvalidMoneyError, Money
from common.subgraph.access import require_scope
from common.subgraph.connections import Connection
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.keyset import page_request
from common.subgraph.schema import create_schema
from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    MoneyInput,
    NotFoundError,
    StaleVersionError,
)
from subgraphs.products import domain, errors
from subgraphs.products.domain import CATEGORY_PREFIX, PRODUCT_PREFIX, ProductSort, visible_statuses
from subgraphs.products.events import STOCK_STATUS_CHANGED
from subgraphs.products.service import catalogue
from subgraphs.products.service.catalogue import KEYSETS, product_of
from subgraphs.products.service.editing import NewProduct, ProductChanges
from subgraphs.products.service.search import clean_query
from subgraphs.products.types import (
    CATALOG_WRITE,
    INVENTORY_WRITE,
    Category,
    DuplicateSkuError,
    Info,
    InventoryAdjustInput,
    Product,
    ProductCreateInput,
    ProductFilter,
    ProductPayload,
    ProductUpdateInput,
    sees_drafts,
    uuid_of,
    visible,
)

PRODUCTS_WATCHED_MAX = 100
REFUSALS = (errors.CatalogueError, IdempotencyConflictedError)


async def product_error(info: Info, refusal: Exception) -> Any:
    """The payload error of a refusal."""
    match refusal:
        case errors.StaleVersion():
            return StaleVersionError(
                message=refusal.message, path=list(refusal.path), current_version=refusal.current_version
            )
        case errors.DuplicateSku():
            product_id = uuid_of(PRODUCT_PREFIX, refusal.existing_id)
            existing = await info.context.loaders.product.load(product_id) if product_id else None
            known = visible(info.context.principal, existing)
            return DuplicateSkuError(message=refusal.message, path=list(refusal.path), existing=known)
        case errors.NotFound():
            return NotFoundError(message=refusal.message, path=list(refusal.path))
        case errors.InvalidInput():
            return InvalidInputError(message=refusal.message, path=list(refusal.path))
        case _:
            return IdempotencyConflictError(message=str(refusal), path=["idempotencyKey"])


@strawberry.type
class Query:
    @strawberry.field(description="By exactly one of its names; null where there is none or it is not public")
    async def product(
        self, info: Info, id: strawberry.ID | None = None, slug: str | None = None, sku: str | None = None
    ) -> Product | None:
        if sum(name is not None for name in (id, slug, sku)) != 1:
            raise BadInputError("Give exactly one of id, slug and sku.")
        loaders = info.context.loaders
        record: domain.Product | None = None
        if id is not None:
            product_id = uuid_of(PRODUCT_PREFIX, id)
            record = await loaders.product.load(product_id) if product_id else None
        elif slug is not None:
            record = await loaders.product_by_slug.load(slug)
        elif sku is not None:
            record = await loaders.product_by_sku.load(sku)
        return visible(info.context.principal, record)

    @strawberry.federation.field(
        directives=[
            ListSize(
                assumed_size=None,
                slicing_arguments=["first", "last"],
                sized_fields=["edges", "nodes"],
                require_one_slicing_argument=False,
            )
        ]
    )
    async def products(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: ProductFilter | None = None,
        sort: ProductSort | None = ProductSort.NEWEST,
    ) -> Connection[Product]:
        narrowed = _filter(info, filter or ProductFilter())
        request = page_request(
            KEYSETS[sort or ProductSort.NEWEST],
            first=first,
            after=after,
            last=last,
            before=before,
            filter_by={"filter": repr(narrowed)},
        )
        page = await info.context.service.catalogue.page(narrowed, request)
        return Connection[Product].of(page, lambda row: Product.of(product_of(row)))

    @strawberry.field(description="All of them, parents first")
    async def categories(self, info: Info) -> list[Category]:
        return [Category.of(record) for record in await info.context.service.categories.all()]


@strawberry.type
class Mutation:
    @strawberry.federation.mutation(requires_scopes=[[CATALOG_WRITE]])
    async def product_create(self, info: Info, input: ProductCreateInput) -> ProductPayload:
        actor = require_scope(info.context.principal, CATALOG_WRITE)
        try:
            price = _money(input.price, "price")
            product = NewProduct(
                sku=input.sku,
                name=input.name,
                description=input.description,
                price_minor=price.amount_minor,
                currency=price.currency,
                weight_grams=input.weight_grams,
                on_hand=input.inventory,
                category_id=_category_id(input.category_id),
            )
            product_id = await info.context.service.editing.create(actor, product, input.idempotency_key)
        except REFUSALS as refusal:
            return ProductPayload(errors=[await product_error(info, refusal)])
        return await _payload(info, product_id)

    @strawberry.federation.mutation(requires_scopes=[[CATALOG_WRITE]])
    async def product_update(self, info: Info, input: ProductUpdateInput) -> ProductPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            price = None if input.price is None else _money(input.price, "price")
            product_id = _known_id(input.id, "id")
            changes = ProductChanges(
                name=input.name,
                description=input.description,
                price=None if price is None else (price.amount_minor, price.currency),
                status=input.status,
            )
            await info.context.service.editing.update(product_id, changes, input.expected_version)
        except REFUSALS as refusal:
            return ProductPayload(errors=[await product_error(info, refusal)])
        return await _payload(info, product_id)

    @strawberry.federation.mutation(requires_scopes=[[INVENTORY_WRITE]])
    async def inventory_adjust(self, info: Info, input: InventoryAdjustInput) -> ProductPayload:
        actor = require_scope(info.context.principal, INVENTORY_WRITE)
        try:
            product_id = _known_id(input.product_id, "productId")
            await info.context.service.editing.adjust(
                actor, product_id, input.delta, input.reason, input.idempotency_key
            )
        except REFUSALS as refusal:
            return ProductPayload(errors=[await product_error(info, refusal)])
        return await _payload(info, product_id)


@strawberry.type
class Subscription:
    @strawberry.subscription(description="Products whose stock status has changed, from now on; 100 at most")
    async def stock_status_changed(self, info: Info, product_ids: list[strawberry.ID]) -> AsyncIterator[Product]:
        if not 1 <= len(product_ids) <= PRODUCTS_WATCHED_MAX:
            raise BadInputError(f"Watch 1 to {PRODUCTS_WATCHED_MAX} products.")
        watched = {str(product_id) for product_id in product_ids}
        feed = info.context.service.feeds[STOCK_STATUS_CHANGED]
        async with feed.listen(matches=lambda event: event.aggregate_id in watched) as events:
            async for event in events:
                info.context.refresh()
                product_id = uuid_of(PRODUCT_PREFIX, event.aggregate_id)
                record = await info.context.loaders.product.load(product_id) if product_id else None
                product = visible(info.context.principal, record)
                if product is not None:
                    yield product


async def _payload(info: Info, product_id: UUID) -> ProductPayload:
    record = await info.context.loaders.product.load(product_id)
    return ProductPayload(product=Product.of(record) if record else None)


def _filter(info: Info, given: ProductFilter) -> catalogue.ProductFilter:
    """Raises BadInputError for money that is none, prices in two currencies, or a search that is too long."""
    try:
        lowest = None if given.price_min is None else _money(given.price_min, "priceMin")
        highest = None if given.price_max is None else _money(given.price_max, "priceMax")
        query = None if given.query is None else clean_query(given.query)
    except errors.InvalidInput as exc:
        raise BadInputError(exc.message) from exc
    bound = lowest or highest
    if lowest is not None and highest is not None and lowest.currency != highest.currency:
        raise BadInputError("priceMin and priceMax must be in one currency.")
    category_id = None if given.category_id is None else uuid_of(CATEGORY_PREFIX, given.category_id)
    is_unknown = given.category_id is not None and category_id is None
    ids = None if given.ids is None else [uuid_of(PRODUCT_PREFIX, text) for text in given.ids]
    statuses = visible_statuses(given.status, sees_drafts=sees_drafts(info.context.principal))
    return catalogue.ProductFilter(
        statuses=() if is_unknown else statuses,
        category_ids=None if category_id is None else (category_id,),
        currency=bound.currency if bound else None,
        price_min_minor=lowest.amount_minor if lowest else None,
        price_max_minor=highest.amount_minor if highest else None,
        in_stock=given.in_stock,
        query=query,
        ids=None if ids is None else tuple(product_id for product_id in ids if product_id is not None),
    )


def _money(given: MoneyInput, field: str) -> Money:
    try:
        return Money.parse(format(given.amount, "f"), given.currency)
    except InvalidMoneyError as exc:
        raise errors.InvalidInput(str(exc), [field]) from exc


def _known_id(text: str, field: str) -> UUID:
    product_id = uuid_of(PRODUCT_PREFIX, text)
    if product_id is None:
        raise errors.NotFound("There is no such product.", [field])
    return product_id


def _category_id(text: str | None) -> UUID | None:
    """None for None; raises NotFound for what cannot be the id of a category."""
    found = None if text is None else uuid_of(CATEGORY_PREFIX, text)
    if text is not None and found is None:
        raise errors.NotFound("There is no such category.", ["categoryId"])
    return found


schema = create_schema("products", query=Query, mutation=Mutation, subscription=Subscription, types=[Product, Category])

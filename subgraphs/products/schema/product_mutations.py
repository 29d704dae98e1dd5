"""Changing the catalogue: products and their price lists."""

from uuid import UUID

import strawberry

from common.subgraph.access import require_scope
from subgraphs.products.domain.catalogue import ProductStatus
from subgraphs.products.schema.given import known_category, known_currency, known_product, money, price
from subgraphs.products.schema.refusals import REFUSALS, changed, refused
from subgraphs.products.service.editing import KEEP, Keep, NewProduct, ProductChanges
from subgraphs.products.types.entities import CATALOG_WRITE, Info
from subgraphs.products.types.inputs import (
    ProductArchiveInput,
    ProductCreateInput,
    ProductPriceRemoveInput,
    ProductPriceSetInput,
    ProductUpdateInput,
)
from subgraphs.products.types.payloads import ProductPayload


@strawberry.type
class ProductMutations:
    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]], description="Add a product, with its first stock and its prices"
    )
    async def product_create(self, info: Info, input: ProductCreateInput) -> ProductPayload:
        actor = require_scope(info.context.principal, CATALOG_WRITE)
        try:
            new = _new_product(input)
            product_id = await info.context.service.editing.create(actor, new, input.idempotency_key)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]], description="Change a product; what is left out stays as it is"
    )
    async def product_update(self, info: Info, input: ProductUpdateInput) -> ProductPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            product_id = known_product(input.id, "id")
            await info.context.service.editing.update(product_id, _changes(input), input.expected_version)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]],
        description="Take a product out of the shop. Nothing is lost: old orders still show it, and it can come back",
    )
    async def product_archive(self, info: Info, input: ProductArchiveInput) -> ProductPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            product_id = known_product(input.id, "id")
            changes = ProductChanges(status=ProductStatus.ARCHIVED)
            await info.context.service.editing.update(product_id, changes, input.expected_version)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]],
        description="Sell a product in a further currency, or for another price in it",
    )
    async def product_price_set(self, info: Info, input: ProductPriceSetInput) -> ProductPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            product_id = known_product(input.product_id, "productId")
            wanted = price(input.price, input.compare_at_price)
            await info.context.service.editing.set_price(product_id, wanted, input.expected_version)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]], description="No longer sell a product in that currency"
    )
    async def product_price_remove(self, info: Info, input: ProductPriceRemoveInput) -> ProductPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            product_id = known_product(input.product_id, "productId")
            currency = known_currency(input.currency)
            await info.context.service.editing.remove_price(product_id, currency, input.expected_version)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)


def _new_product(given: ProductCreateInput) -> NewProduct:
    return NewProduct(
        sku=given.sku,
        name=given.name,
        description=given.description,
        price=price(given.price, given.compare_at_price),
        weight_grams=given.weight_grams,
        on_hand=given.inventory,
        category_id=None if given.category_id is None else known_category(given.category_id, "categoryId"),
        status=given.status,
        price_list=[price(entry.price, entry.compare_at_price) for entry in given.prices],
    )


def _changes(given: ProductUpdateInput) -> ProductChanges:
    now = None if given.price is None else money(given.price, "price")
    return ProductChanges(
        name=given.name,
        description=KEEP if given.description is strawberry.UNSET else given.description,
        price=None if now is None else (now.amount_minor, now.currency),
        compare_at=_compare_at(given),
        weight_grams=given.weight_grams,
        category_id=_category_id(given),
        status=given.status,
    )


def _category_id(given: ProductUpdateInput) -> UUID | Keep | None:
    if given.category_id is strawberry.UNSET:
        return KEEP
    return None if given.category_id is None else known_category(given.category_id, "categoryId")


def _compare_at(given: ProductUpdateInput) -> tuple[int, str] | Keep | None:
    if given.compare_at_price is strawberry.UNSET:
        return KEEP
    if given.compare_at_price is None:
        return None
    before = money(given.compare_at_price, "compareAtPrice")
    return before.amount_minor, before.currency

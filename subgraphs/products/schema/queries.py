"""What can be asked for: products by name, lists of them, the tree of categories."""

import strawberry
from strawberry.federation.schema_directives import ListSize

from common.errors import BadInputError
from common.subgraph.keyset import page_request
from subgraphs.products.domain import catalogue
from subgraphs.products.domain.catalogue import ProductSort
from subgraphs.products.domain.words import CATEGORY_PREFIX, PRODUCT_PREFIX
from subgraphs.products.schema.given import wanted_products
from subgraphs.products.service.catalogue import KEYSETS
from subgraphs.products.types.entities import (
    Category,
    Info,
    Product,
    ProductConnection,
    load_category,
    products_of,
    uuid_of,
    visible,
)
from subgraphs.products.types.inputs import ProductFilter


@strawberry.type
class Query:
    @strawberry.field(description="By exactly one of its names; null where there is none or it is not public")
    async def product(
        self, info: Info, id: strawberry.ID | None = None, slug: str | None = None, sku: str | None = None
    ) -> Product | None:
        if sum(name is not None for name in (id, slug, sku)) != 1:
            raise BadInputError("Give exactly one of id, slug and sku.")
        loaders = info.context.loaders
        record: catalogue.Product | None = None
        if id is not None:
            product_id = uuid_of(PRODUCT_PREFIX, id)
            record = await loaders.product.load(product_id) if product_id else None
        elif slug is not None:
            record = await loaders.product_by_slug.load(slug)
        elif sku is not None:
            record = await loaders.product_by_sku.load(sku)
        return visible(info.context.principal, record)

    @strawberry.federation.field(
        description="Products, page by page. Sorted by relevance where there is a search, else the newest first",
        directives=[
            ListSize(
                assumed_size=None,
                slicing_arguments=["first", "last"],
                sized_fields=["edges", "nodes"],
                require_one_slicing_argument=False,
            )
        ],
    )
    async def products(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: ProductFilter | None = None,
        sort: ProductSort | None = None,
    ) -> ProductConnection:
        wanted = await wanted_products(info, filter or ProductFilter())
        usual = ProductSort.NEWEST if wanted.query is None else ProductSort.RELEVANCE
        if sort is ProductSort.RELEVANCE and wanted.query is None:
            raise BadInputError("Sorting by relevance needs words to search for.")
        request = page_request(
            KEYSETS[sort or usual],
            first=first,
            after=after,
            last=last,
            before=before,
            filter_by={"filter": repr(wanted)},
        )
        catalogue = info.context.service.catalogue
        return products_of(await catalogue.page(wanted, request), lambda: catalogue.count(wanted))

    @strawberry.field(description="By exactly one of its names; null where there is none")
    async def category(self, info: Info, id: strawberry.ID | None = None, slug: str | None = None) -> Category | None:
        if (id is None) == (slug is None):
            raise BadInputError("Give exactly one of id and slug.")
        if id is not None:
            return await load_category(info, uuid_of(CATEGORY_PREFIX, id))
        named = [found for found in await info.context.service.categories.all() if found.slug == slug]
        return Category.of(named[0]) if named else None

    @strawberry.field(description="All of them, parents first")
    async def categories(self, info: Info) -> list[Category]:
        return [Category.of(record) for record in await info.context.service.categories.all()]

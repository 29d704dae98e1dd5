"""Batched reads: whatever a query asks for in one step is one statement."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.database import Row
from common.subgraph.keyset import Page, PageRequest
from common.subgraph.loaders import Loader, load_one
from subgraphs.products.domain.catalogue import Category, Product
from subgraphs.products.service.shop import ProductsService

#: pages of several owners, asked for with equal arguments
FetchPages = Callable[[Sequence[UUID], PageRequest], Awaitable[Mapping[UUID, Page[Row]]]]


class ProductLoaders:
    """Of one request. A product always comes with its stock and its prices."""

    def __init__(self, service: ProductsService) -> None:
        catalogue, categories = service.catalogue, service.categories

        def products(column: str) -> DataLoader[Any, Product | None]:
            async def fetch_rows(values: Sequence[Any]) -> list[Product]:
                return await catalogue.products_by(column, values)

            return load_one(fetch_rows, lambda product: getattr(product, column))

        async def category_pages(ids: Sequence[UUID], request: PageRequest) -> Mapping[UUID, Page[Row]]:
            return await catalogue.pages_of_categories(await categories.within(ids), request)

        async def category_counts(ids: list[UUID]) -> list[int]:
            counts = await catalogue.counts_of_categories(await categories.within(ids))
            return [counts[category_id] for category_id in ids]

        self.product: DataLoader[UUID, Product | None] = products("id")
        self.product_by_sku: DataLoader[str, Product | None] = products("sku")
        self.product_by_slug: DataLoader[str, Product | None] = products("slug")
        self.category: DataLoader[UUID, Category | None] = load_one(categories.by_id, lambda category: category.id)
        self.category_page = _pages(category_pages)
        self.category_count: DataLoader[UUID, int] = Loader(load_fn=category_counts)
        self.movement_page = _pages(service.stock_keeping.movements)


def _pages(fetch_pages: FetchPages) -> DataLoader[tuple[UUID, PageRequest], Page[Row]]:
    """Keyed by owner and arguments; those with equal arguments share a statement."""

    async def batch(keys: list[tuple[UUID, PageRequest]]) -> list[Page[Row]]:
        pages: dict[tuple[UUID, PageRequest], Page[Row]] = {}
        for request in dict.fromkeys(request for _, request in keys):
            owners = [owner for owner, wanted in keys if wanted == request]
            found = await fetch_pages(owners, request)
            pages |= {(owner, request): page for owner, page in found.items()}
        return [pages[key] for key in keys]

    return Loader(load_fn=batch)

"""Batched reads: whatever a query asks for in one step is one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.database import Row
from common.subgraph.keyset import Page, PageRequest
from common.subgraph.loaders import Loader, load_one
from subgraphs.products.domain import Category, Product
from subgraphs.products.service.shop import ProductsService


class ProductLoaders:
    """Of one request. A product always comes with its stock."""

    def __init__(self, service: ProductsService) -> None:
        catalogue = service.catalogue

        def products(column: str) -> DataLoader[Any, Product | None]:
            async def fetch_rows(values: Sequence[Any]) -> list[Product]:
                return await catalogue.products_by(column, values)

            return load_one(fetch_rows, lambda product: getattr(product, column))

        self.product: DataLoader[UUID, Product | None] = products("id")
        self.product_by_sku: DataLoader[str, Product | None] = products("sku")
        self.product_by_slug: DataLoader[str, Product | None] = products("slug")
        self.category: DataLoader[UUID, Category | None] = load_one(
            service.categories.by_id, lambda category: category.id
        )
        self.category_page = _category_pages(service)


def _category_pages(service: ProductsService) -> DataLoader[tuple[UUID, PageRequest], Page[Row]]:
    """Pages of categories; those asked for with equal arguments share a statement."""

    async def batch(keys: list[tuple[UUID, PageRequest]]) -> list[Page[Row]]:
        pages: dict[tuple[UUID, PageRequest], Page[Row]] = {}
        for request in dict.fromkeys(request for _, request in keys):
            ids = [category_id for category_id, wanted in keys if wanted == request]
            found = await service.catalogue.pages_of_categories(await service.categories.within(ids), request)
            pages |= {(category_id, request): page for category_id, page in found.items()}
        return [pages[key] for key in keys]

    return Loader(load_fn=batch)

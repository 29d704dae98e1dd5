"""What mutations answer with: the thing they changed, or why they did not."""

from typing import Annotated

import strawberry

from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    NotFoundError,
    StaleVersionError,
    UserError,
)
from subgraphs.products.types.entities import Category, Product


@strawberry.type(description="The SKU names another product already")
class DuplicateSkuError(UserError):
    existing: Product | None = strawberry.field(description="The one that has it, where the caller may know of it")


@strawberry.type(description="The category cannot go: there are products or categories in it")
class CategoryInUseError(UserError):
    product_count: int
    child_count: int


ProductError = Annotated[
    InvalidInputError | NotFoundError | StaleVersionError | DuplicateSkuError | IdempotencyConflictError,
    strawberry.union("ProductError"),
]
CategoryError = Annotated[
    InvalidInputError | NotFoundError | StaleVersionError | CategoryInUseError,
    strawberry.union("CategoryError"),
]


@strawberry.type(description="The product as it is now; null with `errors`, which changed nothing")
class ProductPayload:
    product: Product | None = None
    errors: list[ProductError] = strawberry.field(default_factory=list)


@strawberry.type(description="The category as it is now; null with `errors`, which changed nothing")
class CategoryPayload:
    category: Category | None = None
    errors: list[CategoryError] = strawberry.field(default_factory=list)


@strawberry.type(description="The id of what is gone; null with `errors`, which changed nothing")
class CategoryDeletePayload:
    deleted_id: strawberry.ID | None = None
    errors: list[CategoryError] = strawberry.field(default_factory=list)

"""Refusals of the service as the errors of payloads, and payloads of products."""

from typing import Any
from uuid import UUID

from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.types import IdempotencyConflictError, InvalidInputError, NotFoundError, StaleVersionError
from subgraphs.products import errors
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.types.entities import Info, Product, uuid_of, visible
from subgraphs.products.types.payloads import CategoryInUseError, DuplicateSkuError, ProductPayload

REFUSALS = (errors.CatalogueError, IdempotencyConflictedError)


async def error_of(info: Info, refusal: Exception) -> Any:
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
        case errors.CategoryInUse():
            return CategoryInUseError(
                message=refusal.message,
                path=list(refusal.path),
                product_count=refusal.product_count,
                child_count=refusal.child_count,
            )
        case errors.NotFound():
            return NotFoundError(message=refusal.message, path=list(refusal.path))
        case errors.InvalidInput():
            return InvalidInputError(message=refusal.message, path=list(refusal.path))
        case _:
            return IdempotencyConflictError(message=str(refusal), path=["idempotencyKey"])


async def refused(info: Info, refusal: Exception) -> ProductPayload:
    return ProductPayload(errors=[await error_of(info, refusal)])


async def changed(info: Info, product_id: UUID) -> ProductPayload:
    """The product as it is after the change."""
    record = await info.context.loaders.product.load(product_id)
    return ProductPayload(product=Product.of(record) if record else None)

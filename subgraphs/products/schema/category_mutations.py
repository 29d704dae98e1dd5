"""Changing the tree of categories."""

import strawberry

from common.subgraph.access import require_scope
from subgraphs.products.schema.given import known_category
from subgraphs.products.schema.refusals import REFUSALS, error_of
from subgraphs.products.service.tree import CategoryChanges
from subgraphs.products.types.entities import CATALOG_WRITE, Category, Info
from subgraphs.products.types.inputs import (
    CategoryCreateInput,
    CategoryDeleteInput,
    CategoryMoveInput,
    CategoryUpdateInput,
)
from subgraphs.products.types.payloads import CategoryDeletePayload, CategoryPayload


@strawberry.type
class CategoryMutations:
    @strawberry.federation.mutation(requires_scopes=[[CATALOG_WRITE]], description="Add a category")
    async def category_create(self, info: Info, input: CategoryCreateInput) -> CategoryPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            parent_id = None if input.parent_id is None else known_category(input.parent_id, "parentId")
            record = await info.context.service.tree.create(input.name, parent_id, input.position)
        except REFUSALS as refusal:
            return CategoryPayload(errors=[await error_of(info, refusal)])
        return CategoryPayload(category=Category.of(record))

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]], description="Change a category; what is left out stays as it is"
    )
    async def category_update(self, info: Info, input: CategoryUpdateInput) -> CategoryPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            category_id = known_category(input.id, "id")
            changes = CategoryChanges(input.name, input.position)
            record = await info.context.service.tree.update(category_id, changes, input.expected_version)
        except REFUSALS as refusal:
            return CategoryPayload(errors=[await error_of(info, refusal)])
        return CategoryPayload(category=Category.of(record))

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]], description="Move a category, with all that is below it; never below itself"
    )
    async def category_move(self, info: Info, input: CategoryMoveInput) -> CategoryPayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            category_id = known_category(input.id, "id")
            parent_id = None if input.parent_id is None else known_category(input.parent_id, "parentId")
            record = await info.context.service.tree.move(category_id, parent_id, input.expected_version)
        except REFUSALS as refusal:
            return CategoryPayload(errors=[await error_of(info, refusal)])
        return CategoryPayload(category=Category.of(record))

    @strawberry.federation.mutation(
        requires_scopes=[[CATALOG_WRITE]], description="Remove a category with nothing in it"
    )
    async def category_delete(self, info: Info, input: CategoryDeleteInput) -> CategoryDeletePayload:
        require_scope(info.context.principal, CATALOG_WRITE)
        try:
            await info.context.service.tree.delete(known_category(input.id, "id"), input.expected_version)
        except REFUSALS as refusal:
            return CategoryDeletePayload(errors=[await error_of(info, refusal)])
        return CategoryDeletePayload(deleted_id=input.id)

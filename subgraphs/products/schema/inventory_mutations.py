"""Changing the stock."""

import strawberry

from common.subgraph.access import require_scope
from subgraphs.products.schema.given import known_order, known_product
from subgraphs.products.schema.refusals import REFUSALS, changed, refused
from subgraphs.products.service.stock_keeping import Adjustment
from subgraphs.products.types.entities import INVENTORY_WRITE, Info
from subgraphs.products.types.inputs import InventoryAdjustInput, InventoryThresholdSetInput
from subgraphs.products.types.payloads import ProductPayload


@strawberry.type
class InventoryMutations:
    @strawberry.federation.mutation(
        requires_scopes=[[INVENTORY_WRITE]],
        description="Put units in or take them out, for a reason; reserved units stay",
    )
    async def inventory_adjust(self, info: Info, input: InventoryAdjustInput) -> ProductPayload:
        actor = require_scope(info.context.principal, INVENTORY_WRITE)
        try:
            product_id = known_product(input.product_id, "productId")
            order_id = None if input.order_id is None else known_order(input.order_id, "orderId")
            adjustment = Adjustment(product_id, input.delta, input.reason, order_id)
            await info.context.service.stock_keeping.adjust(actor, adjustment, input.idempotency_key)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)

    @strawberry.federation.mutation(
        requires_scopes=[[INVENTORY_WRITE]], description="Say from which number of units on stock is low"
    )
    async def inventory_threshold_set(self, info: Info, input: InventoryThresholdSetInput) -> ProductPayload:
        require_scope(info.context.principal, INVENTORY_WRITE)
        try:
            product_id = known_product(input.product_id, "productId")
            await info.context.service.stock_keeping.set_threshold(product_id, input.low_stock_threshold)
        except REFUSALS as refusal:
            return await refused(info, refusal)
        return await changed(info, product_id)

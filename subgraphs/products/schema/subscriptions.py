"""What clients are told of by itself."""

from collections.abc import AsyncIterator

import strawberry

from common.errors import BadInputError
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.events import STOCK_STATUS_CHANGED
from subgraphs.products.types.entities import Info, Product, uuid_of, visible

PRODUCTS_WATCHED_MAX = 100


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

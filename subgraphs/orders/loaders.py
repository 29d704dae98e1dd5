"""Batched reads: whatever a query asks for in one step is one statement."""

from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.database import Row
from common.subgraph.keyset import Page, PageRequest
from common.subgraph.loaders import Loader, load_many, load_one
from common.subgraph.sealing import Sealer
from subgraphs.orders.domain.records import (
    Cart,
    CartLine,
    Fulfillment,
    FulfillmentLine,
    Order,
    OrderEvent,
    OrderLine,
)
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.service.desk import OrdersService
from subgraphs.orders.service.reading import Reading

#: customer, page, status
CustomerPageKey = tuple[UUID, PageRequest, OrderStatus | None]


class OrderLoaders:
    """Of one request."""

    def __init__(self, service: OrdersService) -> None:
        reading, carts = service.reading, service.carts
        self.sealer: DataLoader[UUID, tuple[UUID, Sealer] | None] = load_one(
            service.destinations.sealers, lambda customer_and_sealer: customer_and_sealer[0]
        )
        self.order: DataLoader[UUID, Order | None] = load_one(reading.by_ids, lambda order: order.id)
        self.order_by_number: DataLoader[str, Order | None] = load_one(reading.by_numbers, lambda order: order.number)
        self.lines: DataLoader[UUID, list[OrderLine]] = load_many(reading.lines, lambda line: line.order_id)
        self.history: DataLoader[UUID, list[OrderEvent]] = load_many(reading.history, lambda step: step.order_id)
        self.fulfillments: DataLoader[UUID, list[Fulfillment]] = load_many(
            reading.fulfillments, lambda fulfillment: fulfillment.order_id
        )
        self.fulfillment: DataLoader[UUID, Fulfillment | None] = load_one(
            reading.fulfillments_by_id, lambda fulfillment: fulfillment.id
        )
        self.fulfillment_lines: DataLoader[UUID, list[FulfillmentLine]] = load_many(
            reading.fulfillment_lines, lambda line: line.fulfillment_id
        )
        self.customer_page = _customer_pages(reading)
        self.cart: DataLoader[UUID, Cart | None] = load_one(carts.by_id, lambda cart: cart.id)
        self.cart_of: DataLoader[UUID, Cart | None] = load_one(carts.of_customers, lambda cart: cart.customer_id)
        self.cart_lines: DataLoader[UUID, list[CartLine]] = load_many(carts.lines, lambda line: line.cart_id)


def _customer_pages(reading: Reading) -> DataLoader[CustomerPageKey, Page[Row]]:
    """Pages of customers' orders; those asked for with equal arguments share a statement."""

    async def batch(keys: list[CustomerPageKey]) -> list[Page[Row]]:
        pages: dict[CustomerPageKey, Page[Row]] = {}
        for request, status in dict.fromkeys((request, status) for _, request, status in keys):
            ids = [customer_id for customer_id, *wanted in keys if wanted == [request, status]]
            found = await reading.pages_of_customers(ids, request, status)
            pages |= {(customer_id, request, status): page for customer_id, page in found.items()}
        return [pages[key] for key in keys]

    return Loader(load_fn=batch)

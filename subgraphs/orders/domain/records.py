"""Rows as the rest of the subgraph sees them: frozen, ids as UUIDs, amounts in minor units of `currency`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from subgraphs.orders.domain.status import CancelReason, FulfillmentStatus, OrderStatus


@dataclass(frozen=True, slots=True)
class Order:
    id: UUID
    number: str
    customer_id: UUID
    status: OrderStatus
    fulfillment_status: FulfillmentStatus
    currency: str
    subtotal_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    #: the postal address, sealed under the customer's data key; None for an order without one
    address_sealed: bytes | None
    #: of the address
    country: str | None
    cancel_reason: CancelReason | None
    reservation_expires_at: datetime | None
    placed_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    id: UUID
    order_id: UUID
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_minor: int
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One step of the history: which status the order left (None: it was born) and who made it move."""

    order_id: UUID
    at: datetime
    from_status: OrderStatus | None
    to_status: OrderStatus
    actor: str
    correlation_id: str
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Cart:
    id: UUID
    customer_id: UUID
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class CartLine:
    cart_id: UUID
    product_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Fulfillment:
    id: UUID
    order_id: UUID
    carrier: str | None
    tracking_number: str | None
    shipped_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class FulfillmentLine:
    fulfillment_id: UUID
    order_line_id: UUID
    quantity: int

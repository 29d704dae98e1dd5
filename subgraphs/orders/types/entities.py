"""What can be read: orders, carts, and what orders adds to users and products."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self, TypeAlias
from uuid import UUID

import strawberry

from common.auth import Principal
from common.errors import BadInputError
from common.ids import InvalidIdError, format_id, parse_id
from common.money import DIGITS_BY_CURRENCY
from common.subgraph.access import may_see, require_scope
from common.subgraph.connections import Connection
from common.subgraph.context import Context
from common.subgraph.keyset import page_request
from common.subgraph.schema import Representation
from common.subgraph.types import (
    Money,
    PostalAddress,
)
from subgraphs.orders.domain import records
from subgraphs.orders.domain.pricing import QUANTITY_MAX
from subgraphs.orders.domain.rates import is_country, shipping_minor
from subgraphs.orders.domain.status import TRANSITIONS, CancelReason, FulfillmentStatus, OrderStatus, can_cancel
from subgraphs.orders.domain.words import (
    CART_PREFIX,
    DEFAULT_CURRENCY,
    FULFILLMENT_PREFIX,
    LINE_PREFIX,
    ORDER_PREFIX,
    PRODUCT_PREFIX,
    USER_PREFIX,
)
from subgraphs.orders.loaders import OrderLoaders
from subgraphs.orders.service.desk import OrdersService
from subgraphs.orders.service.destinations import unseal
from subgraphs.orders.service.reading import NEWEST
from subgraphs.orders.service.store import order_of

Info: TypeAlias = strawberry.Info[Context[OrdersService, OrderLoaders], None]

#: of a reference into another subgraph: the rest of the answer must not depend on it
NO_PRODUCT = "Null where products does not know it, or does not answer"
READ_ANY = "orders:read_any"
WRITE_ANY = "orders:write_any"
FULFIL = "orders:fulfil"

for _kind in (OrderStatus, FulfillmentStatus, CancelReason):
    strawberry.enum(_kind)


@strawberry.federation.type(keys=["id"])
class Product:
    id: strawberry.ID
    weight_grams: int = strawberry.federation.field(external=True, default=0)

    @strawberry.federation.field(
        requires=["weightGrams"], description="Shipping `quantity` units alone; null where we do not ship to"
    )
    def shipping_estimate(
        self, country: str, quantity: int | None = 1, currency: str | None = DEFAULT_CURRENCY
    ) -> Money | None:
        count, code = 1 if quantity is None else quantity, currency or DEFAULT_CURRENCY
        if not 1 <= count <= QUANTITY_MAX:
            raise BadInputError(f"A quantity is between 1 and {QUANTITY_MAX}.")
        if not is_country(country):
            raise BadInputError("A country is given by its two capital letters (ISO 3166-1).")
        digits = DIGITS_BY_CURRENCY.get(code)
        minor = None if digits is None else shipping_minor(self.weight_grams * count, country, code, digits)
        return None if minor is None else Money.of(minor, code)

    @classmethod
    def by_id(cls, product_id: UUID) -> Self:
        return cls(id=strawberry.ID(format_id(PRODUCT_PREFIX, product_id)))

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list[Self]:
        return [
            cls(id=strawberry.ID(str(given.get("id"))), weight_grams=int(given.get("weightGrams") or 0))
            for given in representations
        ]


@strawberry.type
class CartLine:
    product: Product | None = strawberry.field(description=NO_PRODUCT)
    quantity: int


@strawberry.federation.type(keys=["id"])
class Cart:
    record: strawberry.Private[records.Cart]
    id: strawberry.ID
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, record: records.Cart) -> Self:
        public_id = strawberry.ID(format_id(CART_PREFIX, record.id))
        return cls(record=record, id=public_id, updated_at=record.updated_at, version=record.version)

    @strawberry.field
    async def lines(self, info: Info) -> list[CartLine]:
        lines = await info.context.loaders.cart_lines.load(self.record.id)
        return [CartLine(product=Product.by_id(line.product_id), quantity=line.quantity) for line in lines]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list[Self | None]:
        ids = [uuid_of(CART_PREFIX, str(given.get("id"))) for given in representations]
        found = await info.context.loaders.cart.load_many([cart_id for cart_id in ids if cart_id])
        known = {cart.id: cart for cart in found if cart and is_own(info.context.principal, cart.customer_id)}
        carts = [known.get(cart_id) if cart_id else None for cart_id in ids]
        return [cls.of(cart) if cart else None for cart in carts]


@strawberry.type
class OrderLine:
    id: strawberry.ID
    product: Product | None = strawberry.field(description=NO_PRODUCT)
    name_snapshot: str = strawberry.field(description="The name when it was ordered; empty while PENDING")
    sku_snapshot: str = strawberry.field(description="The SKU when it was ordered; empty while PENDING")
    quantity: int
    unit_price: Money
    total: Money

    @classmethod
    def of(cls, record: records.OrderLine) -> Self:
        return cls(
            id=strawberry.ID(format_id(LINE_PREFIX, record.id)),
            product=Product.by_id(record.product_id),
            name_snapshot=record.name,
            sku_snapshot=record.sku,
            quantity=record.quantity,
            unit_price=Money.of(record.unit_minor, record.currency),
            total=Money.of(record.total_minor, record.currency),
        )


@strawberry.type
class FulfillmentLine:
    order_line_id: strawberry.ID
    quantity: int


@strawberry.federation.type(keys=["id"])
class Fulfillment:
    record: strawberry.Private[records.Fulfillment]
    id: strawberry.ID
    carrier: str | None
    tracking_number: str | None
    shipped_at: datetime | None
    delivered_at: datetime | None

    @classmethod
    def of(cls, record: records.Fulfillment) -> Self:
        return cls(
            record=record,
            id=strawberry.ID(format_id(FULFILLMENT_PREFIX, record.id)),
            carrier=record.carrier,
            tracking_number=record.tracking_number,
            shipped_at=record.shipped_at,
            delivered_at=record.delivered_at,
        )

    @strawberry.field
    async def lines(self, info: Info) -> list[FulfillmentLine]:
        lines = await info.context.loaders.fulfillment_lines.load(self.record.id)
        return [
            FulfillmentLine(
                order_line_id=strawberry.ID(format_id(LINE_PREFIX, line.order_line_id)), quantity=line.quantity
            )
            for line in lines
        ]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list[Self | None]:
        """A fulfilment is visible to whoever may see its order."""
        loaders = info.context.loaders
        ids = [uuid_of(FULFILLMENT_PREFIX, str(given.get("id"))) for given in representations]
        found = await loaders.fulfillment.load_many([fulfillment_id for fulfillment_id in ids if fulfillment_id])
        known = {record.id: record for record in found if record}
        orders = await loaders.order.load_many([record.order_id for record in known.values()])
        seen = {order.id for order in orders if order and is_visible(info.context.principal, order)}
        records_found = [known.get(fulfillment_id) if fulfillment_id else None for fulfillment_id in ids]
        return [cls.of(record) if record and record.order_id in seen else None for record in records_found]


@strawberry.type(description="One step of an order")
class OrderEvent:
    at: datetime
    from_: OrderStatus | None = strawberry.field(name="from")
    to: OrderStatus
    actor: str
    correlation_id: str
    trace_id: str | None


@strawberry.federation.type(keys=["id", "number"])
class Order:
    record: strawberry.Private[records.Order]
    id: strawberry.ID
    number: str
    customer: "User | None" = strawberry.field(description="Null where users does not know them, or does not answer")
    status: OrderStatus
    fulfillment_status: FulfillmentStatus
    cancel_reason: CancelReason | None
    reservation_expires_at: datetime | None = strawberry.field(description="Until then the goods are held unpaid")
    placed_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, record: records.Order) -> Self:
        return cls(
            record=record,
            id=strawberry.ID(format_id(ORDER_PREFIX, record.id)),
            number=record.number,
            customer=User(id=strawberry.ID(format_id(USER_PREFIX, record.customer_id))),
            status=record.status,
            fulfillment_status=record.fulfillment_status,
            cancel_reason=record.cancel_reason,
            reservation_expires_at=record.reservation_expires_at,
            placed_at=record.placed_at,
            updated_at=record.updated_at,
            version=record.version,
        )

    @strawberry.field(description="Where the order can go from here; CANCELLED only where the caller may cancel it")
    def allowed_transitions(self, info: Info) -> list[OrderStatus]:
        status, is_staff = self.record.status, info.context.principal.has_scope(WRITE_ANY)
        is_cancellable = can_cancel(status, self.record.fulfillment_status, is_staff=is_staff)
        return [each for each in TRANSITIONS[status] if each is not OrderStatus.CANCELLED or is_cancellable]

    @strawberry.field
    async def lines(self, info: Info) -> list[OrderLine]:
        return [OrderLine.of(line) for line in await info.context.loaders.lines.load(self.record.id)]

    @strawberry.field
    def subtotal(self) -> Money:
        return Money.of(self.record.subtotal_minor, self.record.currency)

    @strawberry.field
    def shipping(self) -> Money:
        return Money.of(self.record.shipping_minor, self.record.currency)

    @strawberry.field
    def tax(self) -> Money:
        return Money.of(self.record.tax_minor, self.record.currency)

    @strawberry.field(description="While PENDING, what is known so far: the prices the buyer was shown")
    def total(self) -> Money:
        return Money.of(self.record.total_minor, self.record.currency)

    @strawberry.federation.field(inaccessible=True, description="The total; nothing once the order is cancelled")
    def amount_payable(self) -> Money:
        is_cancelled = self.record.status is OrderStatus.CANCELLED
        return Money.of(0 if is_cancelled else self.record.total_minor, self.record.currency)

    @strawberry.field(description="Null where there is none, or its customer was erased")
    async def shipping_address(self, info: Info) -> PostalAddress | None:
        if self.record.address_sealed is None:
            return None
        found = await info.context.loaders.sealer.load(self.record.customer_id)
        address = unseal(found and found[1], self.record.id, self.record.address_sealed)
        return PostalAddress.from_dict(address) if address else None

    @strawberry.field(description="Oldest first")
    async def fulfillments(self, info: Info) -> list[Fulfillment]:
        found = await info.context.loaders.fulfillments.load(self.record.id)
        return [Fulfillment.of(record) for record in found]

    @strawberry.federation.field(requires_scopes=[[READ_ANY]], description="Every step, the first one first")
    async def history(self, info: Info) -> list[OrderEvent]:
        require_scope(info.context.principal, READ_ANY)
        return [
            OrderEvent(
                at=step.at,
                from_=step.from_status,
                to=step.to_status,
                actor=step.actor,
                correlation_id=step.correlation_id,
                trace_id=step.trace_id,
            )
            for step in await info.context.loaders.history.load(self.record.id)
        ]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list[Self | None]:
        """By `id`, else by `number`; None for the orders of others."""
        loaders = info.context.loaders
        ids = [uuid_of(ORDER_PREFIX, str(given["id"])) if "id" in given else None for given in representations]
        numbers = [None if "id" in given else str(given.get("number")) for given in representations]
        by_id = await loaders.order.load_many([order_id for order_id in ids if order_id])
        by_number = await loaders.order_by_number.load_many([number for number in numbers if number])
        visible = [order for order in [*by_id, *by_number] if order and is_visible(info.context.principal, order)]
        known: dict[object, records.Order] = {order.id: order for order in visible}
        known |= {order.number: order for order in visible}
        found = [known.get(order_id or number) for order_id, number in zip(ids, numbers, strict=True)]
        return [cls.of(order) if order else None for order in found]


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID

    @strawberry.federation.field(authenticated=True, description="Of oneself; null if nothing was put into it")
    async def cart(self, info: Info) -> Cart | None:
        customer_id = uuid_of(USER_PREFIX, self.id)
        if customer_id is None or not may_see(info.context.principal, self.id, any_scope=WRITE_ANY):
            return None
        cart = await info.context.loaders.cart_of.load(customer_id)
        return Cart.of(cart) if cart else None

    @strawberry.federation.field(authenticated=True, description="Newest first; null for the orders of others")
    async def orders(
        self, info: Info, first: int | None = 20, after: str | None = None, status: OrderStatus | None = None
    ) -> Connection[Order] | None:
        customer_id = uuid_of(USER_PREFIX, self.id)
        if customer_id is None or not may_see(info.context.principal, self.id, any_scope=READ_ANY):
            return None
        # the customer is no part of the filter: a cursor is a place among all orders, and users share a statement
        request = page_request(NEWEST, first=first, after=after, filter_by={"status": status})
        page = await info.context.loaders.customer_page.load((customer_id, request, status))
        return Connection[Order].of(page, lambda row: Order.of(order_of(row)))

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> list[Self]:
        return [cls(id=strawberry.ID(str(given.get("id")))) for given in representations]


def is_visible(principal: Principal, order: records.Order) -> bool:
    return may_see(principal, format_id(USER_PREFIX, order.customer_id), any_scope=READ_ANY)


def is_own(principal: Principal, customer_id: UUID) -> bool:
    return may_see(principal, format_id(USER_PREFIX, customer_id), any_scope=WRITE_ANY)


def uuid_of(prefix: str, text: str) -> UUID | None:
    """None for what is not an id of that kind: nothing can be known by it."""
    try:
        return parse_id(prefix, text)
    except InvalidIdError:
        return None

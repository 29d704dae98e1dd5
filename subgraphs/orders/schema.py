"""Root fields of the orders subgraph: each calls the service or a loader and maps what comes back."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Authenticated, ListSize

from common.errors import BadInputError
from common.subgraph.access import require_scope, require_user
from common.subgraph.connections import Connection
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.keyset import page_request
from common.subgraph.schema import create_schema
from subgraphs.orders import errors
from subgraphs.orders.domain.status import CancelReason, OrderStatus
from subgraphs.orders.domain.words import (
    FULFILLMENT_PREFIX,
    ORDER_PREFIX,
    PRODUCT_PREFIX,
    USER_PREFIX,
)
from subgraphs.orders.events import ORDER_EVENTS
from subgraphs.orders.service.carts import CartWithLines
from subgraphs.orders.service.reading import NEWEST
from subgraphs.orders.service.store import order_of
from subgraphs.orders.types.entities import (
    FULFIL,
    READ_ANY,
    WRITE_ANY,
    Cart,
    Info,
    Order,
    Product,
    User,
    is_visible,
    uuid_of,
)
from subgraphs.orders.types.payloads import (
    CartLineInput,
    CartPayload,
    FulfillmentCreateInput,
    OrderPayload,
    OrderPlaceInput,
    buyer_of,
    caller,
    cart_lines,
    known,
    order_error,
    order_request,
    shipment,
)

REFUSALS = (errors.OrderError, IdempotencyConflictedError)


@strawberry.type
class Query:
    @strawberry.federation.field(authenticated=True, description="By its id or its number; null for those of others")
    async def order(self, info: Info, id: strawberry.ID | None = None, number: str | None = None) -> Order | None:
        require_user(info.context.principal)
        if (id is None) == (number is None):
            raise BadInputError("Give either id or number.")
        given = {"id": id} if id is not None else {"number": number}
        return (await Order.resolve_references(info, [given]))[0]

    @strawberry.federation.field(
        requires_scopes=[[READ_ANY]],
        directives=[
            ListSize(
                assumed_size=None,
                slicing_arguments=["first"],
                sized_fields=["edges", "nodes"],
                require_one_slicing_argument=False,
            )
        ],
        description="Of all customers, newest first",
    )
    async def orders(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = None,
        status: OrderStatus | None = None,
        customer_id: strawberry.ID | None = None,
    ) -> Connection[Order]:
        require_scope(info.context.principal, READ_ANY)
        filter_by = {"status": status, "customer": customer_id}
        request = page_request(NEWEST, first=first, after=after, filter_by=filter_by)
        customer = None if customer_id is None else uuid_of(USER_PREFIX, customer_id)
        if customer_id is not None and customer is None:
            raise BadInputError("customerId is not the id of a user.")
        page = await info.context.service.reading.page(request, status, customer)
        return Connection[Order].of(page, lambda row: Order.of(order_of(row)))


@strawberry.type
class Mutation:
    @strawberry.federation.mutation(
        authenticated=True, description="Puts a product in, changes it, or takes it out (0)"
    )
    async def cart_set_line(
        self, info: Info, product_id: strawberry.ID, quantity: int, expected_version: int | None = None
    ) -> CartPayload:
        customer_id = caller(info.context.principal)
        try:
            product = known(PRODUCT_PREFIX, product_id, "There is no such product.", ["productId"])
            changed = await info.context.service.carts.set_line(customer_id, product, quantity, expected_version)
        except REFUSALS as refusal:
            return CartPayload(errors=[order_error(refusal)])
        return _cart_payload(info, changed)

    @strawberry.federation.mutation(
        authenticated=True,
        description="Puts lines kept elsewhere, such as a guest's, into the cart; the greater quantity of each counts",
    )
    async def cart_merge(
        self, info: Info, lines: list[CartLineInput], expected_version: int | None = None
    ) -> CartPayload:
        customer_id = caller(info.context.principal)
        try:
            changed = await info.context.service.carts.merge(customer_id, cart_lines(lines), expected_version)
        except REFUSALS as refusal:
            return CartPayload(errors=[order_error(refusal)])
        return _cart_payload(info, changed)

    @strawberry.federation.mutation(authenticated=True)
    async def cart_clear(self, info: Info, expected_version: int | None = None) -> CartPayload:
        try:
            changed = await info.context.service.carts.clear(caller(info.context.principal), expected_version)
        except REFUSALS as refusal:
            return CartPayload(errors=[order_error(refusal)])
        return _cart_payload(info, changed)

    # open to those without a token: for the account of a guest, see `buyer_of`
    @strawberry.mutation(
        description="Holds the goods for 15 minutes: AWAITING_PAYMENT. PENDING where that could not be asked in time",
    )
    async def order_place(self, info: Info, input: OrderPlaceInput) -> OrderPayload:
        service = info.context.service
        try:
            buyer = await buyer_of(info.context.principal, input.customer_id, service.destinations)
            placed = await service.placing.place(order_request(buyer, input))
        except REFUSALS as refusal:
            return OrderPayload(errors=[order_error(refusal)])
        if placed.fresh is not None:
            # written a moment ago: no need to read it again
            order, lines = placed.fresh
            info.context.loaders.order.prime(order.id, order)
            info.context.loaders.lines.prime(order.id, lines)
        return await _payload(info, placed.id)

    @strawberry.federation.mutation(
        authenticated=True, description="One's own before it is paid; with orders:write_any until it is shipped"
    )
    async def order_cancel(
        self, info: Info, id: strawberry.ID, reason: CancelReason, idempotency_key: str | None = None
    ) -> OrderPayload:
        principal = info.context.principal
        actor = require_user(principal)
        try:
            order_id = known(ORDER_PREFIX, id, "There is no such order.", ["id"])
            is_staff = principal.has_scope(WRITE_ANY)
            await info.context.service.cancelling.cancel(
                actor, order_id, reason, is_staff=is_staff, key=idempotency_key
            )
        except REFUSALS as refusal:
            return OrderPayload(errors=[order_error(refusal)])
        return await _payload(info, order_id)

    @strawberry.federation.mutation(requires_scopes=[[FULFIL]], description="Goods leave the house, all or a part")
    async def fulfillment_create(self, info: Info, input: FulfillmentCreateInput) -> OrderPayload:
        actor = require_scope(info.context.principal, FULFIL)
        try:
            order_id = await info.context.service.fulfilling.ship(actor, shipment(input), input.idempotency_key)
        except REFUSALS as refusal:
            return OrderPayload(errors=[order_error(refusal)])
        return await _payload(info, order_id)

    @strawberry.federation.mutation(
        requires_scopes=[[FULFIL]], description="Goods have arrived; the last delivery completes the order"
    )
    async def fulfillment_deliver(
        self, info: Info, id: strawberry.ID, idempotency_key: str | None = None
    ) -> OrderPayload:
        actor = require_scope(info.context.principal, FULFIL)
        try:
            fulfillment_id = known(FULFILLMENT_PREFIX, id, "There is no such fulfilment.", ["id"])
            order_id = await info.context.service.fulfilling.deliver(actor, fulfillment_id, idempotency_key)
        except REFUSALS as refusal:
            return OrderPayload(errors=[order_error(refusal)])
        return await _payload(info, order_id)


@strawberry.type
class Subscription:
    @strawberry.subscription(
        directives=[Authenticated()],
        description="The order as it is, then at every change; without orderId every change of one's own orders, "
        "with orders:read_any of all orders",
    )
    async def order_status_changed(self, info: Info, order_id: strawberry.ID | None = None) -> AsyncIterator[Order]:
        principal = info.context.principal
        subject = require_user(principal)
        sees_all = principal.has_scope(READ_ANY)
        versions: dict[UUID, int] = {}
        feed = info.context.service.feeds[ORDER_EVENTS]

        def is_wanted(event: Any) -> bool:
            return (sees_all or event.payload["customer_id"] == subject) and order_id in {None, event.aggregate_id}

        async with feed.listen(matches=is_wanted) as events:
            if order_id is not None:
                known = uuid_of(ORDER_PREFIX, order_id)
                record = await info.context.loaders.order.load(known) if known else None
                if record is None or not is_visible(principal, record):
                    # for somebody else's order as for none: nothing to be told
                    return
                versions[record.id] = record.version
                yield Order.of(record)
            async for event in events:
                info.context.refresh()
                changed = uuid_of(ORDER_PREFIX, event.aggregate_id)
                record = await info.context.loaders.order.load(changed) if changed else None
                # two events may be seen after both changes: a state is told once, and none goes back
                if record is not None and record.version > versions.get(record.id, 0):
                    versions[record.id] = record.version
                    yield Order.of(record)


async def _payload(info: Info, order_id: UUID) -> OrderPayload:
    record = await info.context.loaders.order.load(order_id)
    return OrderPayload(order=Order.of(record) if record else None)


def _cart_payload(info: Info, changed: CartWithLines) -> CartPayload:
    cart, lines = changed
    info.context.loaders.cart_lines.prime(cart.id, lines)
    return CartPayload(cart=Cart.of(cart))


schema = create_schema("orders", query=Query, mutation=Mutation, subscription=Subscription, types=[Product, User, Cart])

"""Root fields of the orders subgraph: each calls the service or a loader and maps what comes back."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Authenticated, ListSize

from common.auth import Principal
from common.errors import BadInputError
from common.ids import format_id
from common.money import DIGITS_BY_CURRENCY, InvalidMoneyError, Money
from common.subgraph.access import require_scope, require_user
from common.subgraph.connections import Connection
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.keyset import page_request
from common.subgraph.schema import create_schema
from common.subgraph.types import IdempotencyConflictError, InvalidInputError, NotFoundError
from common.subgraph.types import Money as MoneyType
from subgraphs.orders import errors
from subgraphs.orders.domain.pricing import RequestedLine
from subgraphs.orders.domain.status import CancelReason, OrderStatus
from subgraphs.orders.domain.words import (
    CART_PREFIX,
    DEFAULT_CURRENCY,
    FULFILLMENT_PREFIX,
    LINE_PREFIX,
    ORDER_PREFIX,
    PRODUCT_PREFIX,
    USER_PREFIX,
)
from subgraphs.orders.events import ORDER_EVENTS
from subgraphs.orders.service.fulfilling import Shipment
from subgraphs.orders.service.placing import OrderRequest
from subgraphs.orders.service.reading import NEWEST
from subgraphs.orders.service.store import order_of
from subgraphs.orders.types import (
    FULFIL,
    READ_ANY,
    WRITE_ANY,
    Cart,
    CartPayload,
    FulfillmentCreateInput,
    IllegalTransitionError,
    Info,
    InsufficientStockError,
    Order,
    OrderPayload,
    OrderPlaceInput,
    PriceChangedError,
    Product,
    StockShortage,
    User,
    is_visible,
    uuid_of,
)

REFUSALS = (errors.OrderError, IdempotencyConflictedError)


def order_error(refusal: Exception) -> Any:
    """The payload error of a refusal; Any, because payloads share the union."""
    match refusal:
        case errors.InsufficientStock():
            shortages = [
                StockShortage(product=Product(id=strawberry.ID(product_id)), requested=requested, available=available)
                for product_id, requested, available in refusal.shortages
            ]
            return InsufficientStockError(message=refusal.message, path=list(refusal.path), shortages=shortages)
        case errors.PriceChanged():
            return PriceChangedError(
                message=refusal.message,
                path=list(refusal.path),
                product=Product(id=strawberry.ID(refusal.product_id)),
                was=MoneyType.of(refusal.was_minor, refusal.currency),
                now=MoneyType.of(refusal.now_minor, refusal.currency),
            )
        case errors.IllegalTransition():
            return IllegalTransitionError(
                message=refusal.message,
                path=list(refusal.path),
                from_=OrderStatus(refusal.status),
                allowed=[OrderStatus(status) for status in refusal.allowed],
            )
        case errors.NotFound():
            return NotFoundError(message=refusal.message, path=list(refusal.path))
        case errors.InvalidInput():
            return InvalidInputError(message=refusal.message, path=list(refusal.path))
        case _:
            return IdempotencyConflictError(message=str(refusal), path=["idempotencyKey"])


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
        customer_id = _caller(info.context.principal)
        try:
            product = _known(PRODUCT_PREFIX, product_id, "There is no such product.", ["productId"])
            cart = await info.context.service.carts.set_line(customer_id, product, quantity, expected_version)
        except REFUSALS as refusal:
            return CartPayload(errors=[order_error(refusal)])
        return CartPayload(cart=Cart.of(cart))

    @strawberry.federation.mutation(authenticated=True)
    async def cart_clear(self, info: Info) -> CartPayload:
        return CartPayload(cart=Cart.of(await info.context.service.carts.clear(_caller(info.context.principal))))

    @strawberry.federation.mutation(
        authenticated=True,
        description="Holds the goods for 15 minutes: AWAITING_PAYMENT. PENDING where that could not be asked in time",
    )
    async def order_place(self, info: Info, input: OrderPlaceInput) -> OrderPayload:
        try:
            order_id = await info.context.service.placing.place(_order_request(info.context.principal, input))
        except REFUSALS as refusal:
            return OrderPayload(errors=[order_error(refusal)])
        return await _payload(info, order_id)

    @strawberry.federation.mutation(
        authenticated=True, description="One's own before it is paid; with orders:write_any until it is shipped"
    )
    async def order_cancel(
        self, info: Info, id: strawberry.ID, reason: CancelReason, idempotency_key: str | None = None
    ) -> OrderPayload:
        principal = info.context.principal
        actor = require_user(principal)
        try:
            order_id = _known(ORDER_PREFIX, id, "There is no such order.", ["id"])
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
            order_id = await info.context.service.fulfilling.ship(actor, _shipment(input), input.idempotency_key)
        except REFUSALS as refusal:
            return OrderPayload(errors=[order_error(refusal)])
        return await _payload(info, order_id)

    @strawberry.federation.mutation(
        requires_scopes=[[FULFIL]], description="Goods have arrived; the last delivery completes the order"
    )
    async def fulfillment_deliver(self, info: Info, id: strawberry.ID) -> OrderPayload:
        actor = require_scope(info.context.principal, FULFIL)
        try:
            fulfillment_id = _known(FULFILLMENT_PREFIX, id, "There is no such fulfilment.", ["id"])
            order_id = await info.context.service.fulfilling.deliver(actor, fulfillment_id)
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


def _caller(principal: Principal) -> UUID:
    """Raises UNAUTHENTICATED, and BAD_USER_INPUT for a caller that is no customer, such as a part of the system."""
    customer_id = uuid_of(USER_PREFIX, require_user(principal))
    if customer_id is None:
        raise BadInputError("Only users have carts and orders.")
    return customer_id


def _known(prefix: str, text: str, message: str, path: list[str]) -> UUID:
    """Raises NotFound for what is not an id of that kind."""
    found = uuid_of(prefix, text)
    if found is None:
        raise errors.NotFound(message, path)
    return found


def _order_request(principal: Principal, given: OrderPlaceInput) -> OrderRequest:
    """Raises the errors of `errors.py`."""
    caller_id = _caller(principal)
    customer_id = caller_id
    if given.customer_id is not None and given.customer_id != principal.subject:
        if not principal.has_scope(WRITE_ANY):
            raise errors.InvalidInput("You can order for yourself only.", ["customerId"])
        customer_id = _known(USER_PREFIX, given.customer_id, "There is no such customer.", ["customerId"])
    currency = given.currency or DEFAULT_CURRENCY
    if currency not in DIGITS_BY_CURRENCY:
        raise errors.InvalidInput("A currency is given by its ISO 4217 code.", ["currency"])
    items = None
    if given.items is not None:
        items = tuple(
            RequestedLine(
                _known(
                    PRODUCT_PREFIX, item.product_id, "There is no such product.", ["items", str(index), "productId"]
                ),
                item.quantity,
                _minor(item.expected_unit_price, currency, ["items", str(index), "expectedUnitPrice"]),
            )
            for index, item in enumerate(given.items)
        )
    cart_id = given.cart_id and _known(CART_PREFIX, given.cart_id, "There is no such cart.", ["cartId"])
    return OrderRequest(
        actor=format_id(USER_PREFIX, caller_id),
        customer_id=customer_id,
        items=items,
        cart_id=cart_id or None,
        shipping_address=given.shipping_address.to_dict(),
        currency=currency,
        key=given.idempotency_key,
    )


def _minor(amount: Decimal | None, currency: str, path: list[str]) -> int | None:
    if amount is None:
        return None
    try:
        return Money.parse(format(amount, "f"), currency).amount_minor
    except InvalidMoneyError as exc:
        raise errors.InvalidInput(str(exc), path) from exc


def _shipment(given: FulfillmentCreateInput) -> Shipment:
    lines = [(_line_id(line.order_line_id), line.quantity) for line in given.lines]
    if len({line_id for line_id, _ in lines}) != len(lines):
        raise errors.InvalidInput("Every line may appear once; add up the quantities.", ["lines"])
    return Shipment(
        order_id=_known(ORDER_PREFIX, given.order_id, "There is no such order.", ["orderId"]),
        quantity_by_line=dict(lines),
        carrier=given.carrier,
        tracking_number=given.tracking_number,
    )


def _line_id(text: str) -> UUID:
    return _known(LINE_PREFIX, text, "There is no such line in this order.", ["lines", "orderLineId"])


schema = create_schema("orders", query=Query, mutation=Mutation, subscription=Subscription, types=[Product, User, Cart])

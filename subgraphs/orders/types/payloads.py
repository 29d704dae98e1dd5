"""What mutations take and answer: inputs as requests to the service, refusals as payload errors."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry

from common.auth import Principal
from common.errors import BadInputError, ForbiddenError, UnauthenticatedError
from common.ids import format_id
from common.money import DIGITS_BY_CURRENCY, InvalidMoneyError
from common.money import Money as Amount
from common.subgraph.access import require_user
from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    Money,
    NotFoundError,
    PostalAddressInput,
    StaleVersionError,
    UserError,
)
from subgraphs.orders import errors
from subgraphs.orders.domain.pricing import RequestedLine
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.words import (
    CART_PREFIX,
    DEFAULT_CURRENCY,
    LINE_PREFIX,
    ORDER_PREFIX,
    PRODUCT_PREFIX,
    USER_PREFIX,
)
from subgraphs.orders.service.destinations import Destinations
from subgraphs.orders.service.fulfilling import Shipment
from subgraphs.orders.service.placing import OrderRequest
from subgraphs.orders.types.entities import NO_PRODUCT, WRITE_ANY, Cart, Order, Product, uuid_of


@strawberry.type
class StockShortage:
    product: Product | None = strawberry.field(description=NO_PRODUCT)
    requested: int
    available: int


@strawberry.type
class InsufficientStockError(UserError):
    shortages: list[StockShortage]


@strawberry.type
class PriceChangedError(UserError):
    product: Product | None = strawberry.field(description=NO_PRODUCT)
    was: Money
    now: Money


@strawberry.type(description="The price lists of these products have nothing in the currency of the order")
class NotSoldInCurrencyError(UserError):
    products: list[Product | None] = strawberry.field(description=NO_PRODUCT)


@strawberry.type
class IllegalTransitionError(UserError):
    from_: OrderStatus = strawberry.field(name="from")
    allowed: list[OrderStatus]


OrderError = Annotated[
    InvalidInputError
    | NotFoundError
    | IdempotencyConflictError
    | InsufficientStockError
    | PriceChangedError
    | NotSoldInCurrencyError
    | StaleVersionError
    | IllegalTransitionError,
    strawberry.union("OrderError"),
]


@strawberry.type
class OrderPayload:
    order: Order | None = None
    errors: list[OrderError] = strawberry.field(default_factory=list)


@strawberry.type
class CartPayload:
    cart: Cart | None = None
    errors: list[OrderError] = strawberry.field(default_factory=list)


@strawberry.input
class OrderLineInput:
    product_id: strawberry.ID
    quantity: int
    expected_unit_price: Decimal | None = strawberry.field(default=None, description="The price the buyer was shown")


@strawberry.input
class CartLineInput:
    product_id: strawberry.ID
    quantity: int


@strawberry.input(description="Either `items` or `cartId`")
class OrderPlaceInput:
    idempotency_key: str
    shipping_address: PostalAddressInput | None = strawberry.field(
        default=None, description="The customer's default address unless given; without one the order has none"
    )
    items: list[OrderLineInput] | None = None
    cart_id: strawberry.ID | None = None
    currency: str | None = strawberry.field(
        default=None, description="USD unless given; prices are those of the list in it"
    )
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Oneself unless given; somebody else with orders:write_any"
    )


@strawberry.input
class FulfillmentLineInput:
    order_line_id: strawberry.ID
    quantity: int


@strawberry.input
class FulfillmentCreateInput:
    order_id: strawberry.ID
    lines: list[FulfillmentLineInput]
    idempotency_key: str
    carrier: str | None = None
    tracking_number: str | None = None


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
                was=Money.of(refusal.was_minor, refusal.currency),
                now=Money.of(refusal.now_minor, refusal.currency),
            )
        case errors.NotSoldInCurrency():
            products: list[Product | None] = [
                Product(id=strawberry.ID(product_id)) for product_id in refusal.product_ids
            ]
            return NotSoldInCurrencyError(message=refusal.message, path=list(refusal.path), products=products)
        case errors.StaleVersion():
            return StaleVersionError(message=refusal.message, path=list(refusal.path), current_version=refusal.current)
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


def caller(principal: Principal) -> UUID:
    """Raises UNAUTHENTICATED, and BAD_USER_INPUT for a caller that is no customer, such as a part of the system."""
    customer_id = uuid_of(USER_PREFIX, require_user(principal))
    if customer_id is None:
        raise BadInputError("Only users have carts and orders.")
    return customer_id


def known(prefix: str, text: str, message: str, path: list[str]) -> UUID:
    """Raises NotFound for what is not an id of that kind."""
    found = uuid_of(prefix, text)
    if found is None:
        raise errors.NotFound(message, path)
    return found


async def buyer_of(principal: Principal, customer_id: str | None, destinations: Destinations) -> tuple[str, UUID]:
    """Who orders, and whose order it becomes.

    One's own without asking; another customer's with orders:write_any. Nobody in particular may order for a guest, an
    account without a password, whose unguessable id is all it takes. Raises FORBIDDEN, UNAUTHENTICATED and NotFound.
    """
    if not principal.is_authenticated and customer_id is not None:
        guest = uuid_of(USER_PREFIX, customer_id)
        if guest is None or not await destinations.is_guest(guest):
            raise UnauthenticatedError
        return customer_id, guest
    caller_id = caller(principal)
    actor = format_id(USER_PREFIX, caller_id)
    if customer_id is None or customer_id == actor:
        return actor, caller_id
    if not principal.has_scope(WRITE_ANY):
        raise ForbiddenError("orders:write_any is needed to order for somebody else")
    other = known(USER_PREFIX, customer_id, "There is no such customer.", ["customerId"])
    if not await destinations.is_known(other):
        raise errors.InvalidInput("There is no such customer.", ["customerId"])
    return actor, other


def order_request(buyer: tuple[str, UUID], given: OrderPlaceInput) -> OrderRequest:
    """`buyer` as of `buyer_of`. Raises the errors of `errors.py`."""
    actor, customer_id = buyer
    currency = given.currency or DEFAULT_CURRENCY
    if currency not in DIGITS_BY_CURRENCY:
        raise errors.InvalidInput("A currency is given by its ISO 4217 code.", ["currency"])
    items = None
    if given.items is not None:
        items = tuple(
            RequestedLine(
                known(PRODUCT_PREFIX, item.product_id, "There is no such product.", ["items", str(index), "productId"]),
                item.quantity,
                _minor(item.expected_unit_price, currency, ["items", str(index), "expectedUnitPrice"]),
            )
            for index, item in enumerate(given.items)
        )
    cart_id = given.cart_id and known(CART_PREFIX, given.cart_id, "There is no such cart.", ["cartId"])
    return OrderRequest(
        actor=actor,
        customer_id=customer_id,
        items=items,
        cart_id=cart_id or None,
        shipping_address=given.shipping_address.to_dict() if given.shipping_address else None,
        currency=currency,
        key=given.idempotency_key,
    )


def _minor(amount: Decimal | None, currency: str, path: list[str]) -> int | None:
    if amount is None:
        return None
    try:
        return Amount.parse(format(amount, "f"), currency).amount_minor
    except InvalidMoneyError as exc:
        raise errors.InvalidInput(str(exc), path) from exc


def shipment(given: FulfillmentCreateInput) -> Shipment:
    lines = [(_line_id(line.order_line_id), line.quantity) for line in given.lines]
    if len({line_id for line_id, _ in lines}) != len(lines):
        raise errors.InvalidInput("Every line may appear once; add up the quantities.", ["lines"])
    return Shipment(
        order_id=known(ORDER_PREFIX, given.order_id, "There is no such order.", ["orderId"]),
        quantity_by_line=dict(lines),
        carrier=given.carrier,
        tracking_number=given.tracking_number,
    )


def _line_id(text: str) -> UUID:
    return known(LINE_PREFIX, text, "There is no such line in this order.", ["lines", "orderLineId"])


def cart_lines(given: list[CartLineInput]) -> dict[UUID, int]:
    """Quantities by product. Raises the errors of `errors.py`."""
    quantities = {
        known(PRODUCT_PREFIX, line.product_id, "There is no such product.", ["lines", "productId"]): line.quantity
        for line in given
    }
    if len(quantities) != len(given):
        raise errors.InvalidInput("Every product may appear once; add up the quantities.", ["lines"])
    return quantities

"""Placing an order: claim the key, hold the stock, write the order.

    claim (commits the order's id) -> reserve (2 s) -> one transaction { order, lines, history, events, answer }

A refusal writes nothing but the answer to the key. When products does not answer in time, the outcome is unknown: the
order is accepted as PENDING and the saga finishes it, under the same id, so nothing is ever reserved twice. A crash
between the phases leaves at most a reservation, which expires; the buyer's repetition continues under the same id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Outbox
from common.ids import uuid7
from common.money import currency_digits
from common.subgraph.database import Database
from common.subgraph.due import Signal
from common.subgraph.idempotency import IdempotentRequest, store_answer
from common.subgraph.phased import Finished, begin, give_up
from subgraphs.orders.domain.address import check_address
from subgraphs.orders.domain.pricing import PricedLine, RequestedLine, Totals, check_lines, price_order
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import FulfillmentStatus, OrderStatus
from subgraphs.orders.errors import InvalidInput, OrderError, ReservationUnavailable
from subgraphs.orders.events import order_moved
from subgraphs.orders.service.carts import Carts
from subgraphs.orders.service.moving import reserved
from subgraphs.orders.service.stock import HeldStock, Stock
from subgraphs.orders.service.store import (
    Due,
    HistoryStep,
    Step,
    StoredLine,
    TakenCart,
    insert_order,
    write_history,
)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a buyer asks for: items or a cart. `actor` sends it, `customer_id` is whose order it becomes."""

    actor: str
    customer_id: UUID
    items: tuple[RequestedLine, ...] | None
    cart_id: UUID | None
    shipping_address: Mapping[str, str | None]
    currency: str
    key: str

    @property
    def body(self) -> dict[str, Any]:
        """What a repetition under the same key must be equal to."""
        return {name: value for name, value in asdict(self).items() if name not in {"actor", "key"}}


@dataclass(frozen=True, slots=True)
class Placing:
    database: Database
    clock: Clock
    outbox: Outbox
    stock: Stock
    carts: Carts
    signal: Signal

    async def place(self, wanted: OrderRequest) -> UUID:
        """Id of the order, AWAITING_PAYMENT or, when products did not answer, PENDING.

        Raises the errors of `errors.py` except NotFound, IdempotencyConflictedError and IdempotencyInFlightError.
        """
        request = IdempotentRequest(wanted.actor, "orderPlace", wanted.key, wanted.body)
        order_id = uuid7()
        begun = await begin(self.database, self.clock, request, {"order_id": str(order_id)})
        if isinstance(begun, Finished):
            OrderError.raise_if_refused(begun.answer)
            return UUID(begun.answer["id"])
        order_id = UUID(begun.point["order_id"])
        try:
            await self._carry_out(order_id, wanted, request)
        except OrderError as exc:
            await self._store_refusal(request, exc)
            raise
        except BaseException:
            await give_up(self.database, request)
            raise
        return order_id

    async def _carry_out(self, order_id: UUID, wanted: OrderRequest, request: IdempotentRequest) -> None:
        lines, cart = await self._lines(wanted)
        address = check_address(wanted.shipping_address)
        wanted, country = replace(wanted, shipping_address=address), str(address["country"])
        digits = currency_digits(wanted.currency)
        # asked before stock is held: is there a rate for shipping in this currency at all?
        price_order((), country, wanted.currency, digits)
        try:
            held = await self.stock.reserve(order_id, lines, wanted.currency)
        except ReservationUnavailable:
            await self._write_pending(order_id, wanted, lines, cart, request)
            return
        totals = price_order(held.lines, country, wanted.currency, digits)
        if not await self._write_reserved(order_id, wanted, held, totals, cart, request):
            await self.stock.release(order_id)
            raise InvalidInput("The cart has changed meanwhile; look at it again.", ["cartId"])

    async def _lines(self, wanted: OrderRequest) -> tuple[tuple[RequestedLine, ...], TakenCart | None]:
        if (wanted.items is None) == (wanted.cart_id is None):
            raise InvalidInput("Give either items or a cart.", ["items"])
        if wanted.items is not None:
            return check_lines(wanted.items), None
        cart = await self.carts.of_customer(wanted.customer_id)
        if cart is None or cart.id != wanted.cart_id:
            raise InvalidInput("There is no such cart.", ["cartId"])
        lines = await self.carts.lines([cart.id])
        requested = tuple(RequestedLine(line.product_id, line.quantity) for line in lines)
        return check_lines(requested), TakenCart(cart.id, cart.version)

    async def _write_reserved(
        self,
        order_id: UUID,
        wanted: OrderRequest,
        held: HeldStock,
        totals: Totals,
        cart: TakenCart | None,
        request: IdempotentRequest,
    ) -> bool:
        placed = self._new_order(order_id, wanted, Totals(0, 0, 0))
        order = reserved(placed, totals, held.expires_at, placed.placed_at)
        due = Due(Step.AWAIT_PAYMENT, held.expires_at)
        return await self._write(placed, order, [_promised(line) for line in held.lines], due, cart, wanted, request)

    async def _write_pending(
        self,
        order_id: UUID,
        wanted: OrderRequest,
        lines: Sequence[RequestedLine],
        cart: TakenCart | None,
        request: IdempotentRequest,
    ) -> None:
        stored = [_unpromised(line) for line in lines]
        subtotal = sum(line.unit_minor * line.quantity for line in stored)
        order = self._new_order(order_id, wanted, Totals(subtotal, 0, 0))
        due = Due(Step.RESERVE, self.clock.now())
        if not await self._write(order, order, stored, due, cart, wanted, request):
            # if anything was reserved after all, it expires: nobody asks again under this id
            raise InvalidInput("The cart has changed meanwhile; look at it again.", ["cartId"])
        self.signal.wake()

    async def _write(
        self,
        placed: Order,
        order: Order,
        lines: Sequence[StoredLine],
        due: Due,
        cart: TakenCart | None,
        wanted: OrderRequest,
        request: IdempotentRequest,
    ) -> bool:
        """The order as it is born (`placed`) and as it is stored, which may be one step further."""
        async with self.database.transaction() as connection:
            number = await insert_order(connection, order, lines, due, cart)
            if number is None:
                return False
            steps = self._steps(placed, order, number, wanted.actor)
            await write_history(connection, steps)
            await self.outbox.add(connection, *(step.event for step in steps))
            await store_answer(connection, request, {"id": str(order.id)})
        return True

    def _steps(self, placed: Order, order: Order, number: str, actor: str) -> list[HistoryStep]:
        born = replace(placed, number=number)
        first = order_moved(born, self.clock, user_id=actor)
        steps = [HistoryStep(born, None, actor, first)]
        if order.status is not placed.status:
            now = replace(order, number=number)
            second = order_moved(now, self.clock, user_id=actor, cause=first)
            steps.append(HistoryStep(now, placed.status, actor, second))
        return steps

    async def _store_refusal(self, request: IdempotentRequest, error: OrderError) -> None:
        async with self.database.transaction() as connection:
            await store_answer(connection, request, error.to_answer())

    def _new_order(self, order_id: UUID, wanted: OrderRequest, totals: Totals) -> Order:
        now = self.clock.now()
        return Order(
            id=order_id,
            number="",
            customer_id=wanted.customer_id,
            status=OrderStatus.PENDING,
            fulfillment_status=FulfillmentStatus.UNFULFILLED,
            currency=wanted.currency,
            subtotal_minor=totals.subtotal_minor,
            shipping_minor=totals.shipping_minor,
            tax_minor=totals.tax_minor,
            total_minor=totals.total_minor,
            shipping_address=wanted.shipping_address,
            cancel_reason=None,
            reservation_expires_at=None,
            placed_at=now,
            updated_at=now,
            version=1,
        )


def _promised(line: PricedLine) -> StoredLine:
    return StoredLine(
        uuid7(), line.product_id, line.sku, line.name, line.quantity, line.unit_minor, None, line.weight_grams
    )


def _unpromised(line: RequestedLine) -> StoredLine:
    """Until products promises a price, the line shows what the buyer was shown, or nothing."""
    shown = line.expected_unit_minor
    return StoredLine(uuid7(), line.product_id, "", "", line.quantity, shown or 0, shown, 0)

"""Placing an order: claim the key, hold the stock, write the order.

    claim (commits the order's id) -> reserve (2 s) -> one statement { order, lines, history, events, answer }

A refusal writes nothing but the answer to the key. When products does not answer in time, the outcome is unknown: the
order is accepted as PENDING and the saga finishes it, under the same id, so nothing is ever reserved twice. A crash
between the phases leaves at most a reservation, which expires; the buyer's repetition continues under the same id.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from common.clock import Clock
from common.events import Outbox
from common.failpoints import failpoint
from common.ids import uuid7
from common.money import currency_digits
from common.subgraph.database import Database
from common.subgraph.due import Signal
from common.subgraph.errors import IdempotencyInFlightError
from common.subgraph.idempotency import IdempotentRequest
from common.subgraph.phased import Finished, begin, give_up, refuse
from subgraphs.orders.domain.pricing import PricedLine, RequestedLine, Totals, check_lines, price_order
from subgraphs.orders.domain.records import Order, OrderLine
from subgraphs.orders.domain.status import FulfillmentStatus, OrderStatus
from subgraphs.orders.domain.words import DEFAULT_COUNTRY, PENDING_DEADLINE_S
from subgraphs.orders.errors import InvalidInput, OrderError, ReservationUnavailable
from subgraphs.orders.events import order_moved
from subgraphs.orders.service.carts import Carts
from subgraphs.orders.service.destinations import Destinations, seal
from subgraphs.orders.service.figures import OrderFigures
from subgraphs.orders.service.moving import reserved
from subgraphs.orders.service.stock import HeldStock, Stock
from subgraphs.orders.service.store import (
    Due,
    HistoryStep,
    Step,
    StoredLine,
    TakenCart,
    insert_order,
)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a buyer asks for: items or a cart. `actor` sends it, `customer_id` is whose order it becomes."""

    actor: str
    customer_id: UUID
    items: tuple[RequestedLine, ...] | None
    cart_id: UUID | None
    #: None: the customer's default one
    shipping_address: Mapping[str, str | None] | None
    currency: str
    key: str

    @property
    def body(self) -> dict[str, Any]:
        """What a repetition under the same key must be equal to."""
        return {name: value for name, value in asdict(self).items() if name not in {"actor", "key"}}


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, with what is known of it without reading it again."""

    id: UUID
    #: None: the answer is that of an earlier request
    fresh: tuple[Order, list[OrderLine]] | None


@dataclass(frozen=True, slots=True)
class Placing:
    database: Database
    clock: Clock
    outbox: Outbox
    stock: Stock
    carts: Carts
    destinations: Destinations
    signal: Signal
    figures: OrderFigures

    async def place(self, wanted: OrderRequest) -> Placed:
        """The order, AWAITING_PAYMENT or, when products did not answer, PENDING.

        Raises the errors of `errors.py` except NotFound, IdempotencyConflictedError and IdempotencyInFlightError.
        """
        request = IdempotentRequest(wanted.actor, "orderPlace", wanted.key, wanted.body)
        failpoint("orders.place.before_claim_commit")
        begun = await begin(self.database, self.clock, request, {"order_id": str(uuid7())})
        if isinstance(begun, Finished):
            OrderError.raise_if_refused(begun.answer)
            return Placed(UUID(begun.answer["id"]), None)
        failpoint("orders.place.after_claim_commit")
        order_id = UUID(begun.point["order_id"])
        try:
            return Placed(order_id, await self._carry_out(order_id, wanted, request))
        except OrderError as exc:
            await refuse(self.database, request, exc.to_answer())
            raise
        except IntegrityError as exc:
            # this request took so long that its repetition was let in, and the order is there
            raise IdempotencyInFlightError from exc
        except BaseException:
            await give_up(self.database, request)
            raise

    async def _carry_out(
        self, order_id: UUID, wanted: OrderRequest, request: IdempotentRequest
    ) -> tuple[Order, list[OrderLine]]:
        lines, cart = await self._lines(wanted)
        address = await self.destinations.of(wanted.customer_id, wanted.shipping_address)
        country = address["country"] if address else None
        digits = currency_digits(wanted.currency)
        # asked before stock is held: is there a rate for shipping in this currency at all?
        price_order((), country or DEFAULT_COUNTRY, wanted.currency, digits)
        failpoint("orders.place.before_call")
        held = await self._reserve(order_id, lines, wanted.currency)
        failpoint("orders.place.after_call")
        placed = self._new_order(order_id, wanted)
        if address is not None:
            sealer = await self.destinations.sealer(wanted.customer_id)
            placed = replace(placed, address_sealed=seal(sealer, order_id, address), country=country)
        if held is None:
            return await self._write_pending(placed, wanted, lines, cart, request)
        totals = price_order(held.lines, country or DEFAULT_COUNTRY, wanted.currency, digits)
        return await self._write_reserved(placed, wanted, held, totals, cart, request)

    async def _lines(self, wanted: OrderRequest) -> tuple[tuple[RequestedLine, ...], TakenCart | None]:
        if (wanted.items is None) == (wanted.cart_id is None):
            raise InvalidInput("Give either items or a cart.", ["items"])
        if wanted.items is not None:
            return check_lines(wanted.items), None
        cart = await self.carts.to_check_out(wanted.customer_id)
        if cart is None or cart[0] != wanted.cart_id:
            raise InvalidInput("There is no such cart.", ["cartId"])
        cart_id, version, lines = cart
        return check_lines(lines), TakenCart(cart_id, version)

    async def _reserve(self, order_id: UUID, lines: Sequence[RequestedLine], currency: str) -> HeldStock | None:
        """None: products did not answer in time, the outcome is unknown."""
        try:
            return await self.stock.reserve(order_id, lines, currency)
        except ReservationUnavailable:
            return None

    async def _write_reserved(
        self,
        placed: Order,
        wanted: OrderRequest,
        held: HeldStock,
        totals: Totals,
        cart: TakenCart | None,
        request: IdempotentRequest,
    ) -> tuple[Order, list[OrderLine]]:
        order = reserved(placed, totals, held.expires_at, placed.placed_at)
        due = Due(Step.AWAIT_PAYMENT, held.expires_at, held.expires_at)
        lines = [_promised(line) for line in held.lines]
        written = await self._write(placed, order, lines, due, cart, wanted, request)
        if written is None:
            if await self.database.fetch("SELECT id FROM orders WHERE id = $1", [placed.id]):
                # taken along by the repetition of this request, which took too long: the goods are that order's
                raise IdempotencyInFlightError
            with suppress(ReservationUnavailable):  # it expires
                await self.stock.release(placed.id)
            raise InvalidInput("The cart has changed meanwhile; look at it again.", ["cartId"])
        return written

    async def _write_pending(
        self,
        placed: Order,
        wanted: OrderRequest,
        lines: Sequence[RequestedLine],
        cart: TakenCart | None,
        request: IdempotentRequest,
    ) -> tuple[Order, list[OrderLine]]:
        stored = [_unpromised(line) for line in lines]
        subtotal = sum(line.unit_minor * line.quantity for line in stored)
        order = replace(placed, subtotal_minor=subtotal, total_minor=subtotal)
        due = Due(Step.RESERVE, self.clock.now(), order.placed_at + timedelta(seconds=PENDING_DEADLINE_S))
        written = await self._write(order, order, stored, due, cart, wanted, request)
        if written is None:
            # if anything was reserved after all, it expires: nobody asks again under this id
            raise InvalidInput("The cart has changed meanwhile; look at it again.", ["cartId"])
        self.signal.wake()
        return written

    async def _write(
        self,
        placed: Order,
        order: Order,
        lines: Sequence[StoredLine],
        due: Due,
        cart: TakenCart | None,
        wanted: OrderRequest,
        request: IdempotentRequest,
    ) -> tuple[Order, list[OrderLine]] | None:
        """The order as it is born (`placed`) and as it is stored, which may be one step further; None where its cart
        has changed."""
        steps = self._steps(placed, order, wanted.actor)
        failpoint("orders.place.before_commit")
        number = await insert_order(self.database, steps, lines, due, cart, (request, {"id": str(order.id)}))
        if number is None:
            return None
        failpoint("orders.place.after_commit")
        self.outbox.wake()
        for step in steps:
            self.figures.entered(step.order)
        return replace(order, number=number), [_line_of(order, line) for line in lines]

    def _steps(self, placed: Order, order: Order, actor: str) -> list[HistoryStep]:
        """Without the number in their events, which the statement fills in."""
        first = order_moved(placed, self.clock, user_id=actor)
        steps = [HistoryStep(placed, None, actor, first)]
        if order.status is not placed.status:
            second = order_moved(order, self.clock, user_id=actor, cause=first)
            steps.append(HistoryStep(order, placed.status, actor, second))
        return steps

    def _new_order(self, order_id: UUID, wanted: OrderRequest) -> Order:
        now = self.clock.now()
        return Order(
            id=order_id,
            number="",
            customer_id=wanted.customer_id,
            status=OrderStatus.PENDING,
            fulfillment_status=FulfillmentStatus.UNFULFILLED,
            currency=wanted.currency,
            subtotal_minor=0,
            shipping_minor=0,
            tax_minor=0,
            total_minor=0,
            address_sealed=None,
            country=None,
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


def _line_of(order: Order, line: StoredLine) -> OrderLine:
    return OrderLine(
        id=line.id,
        order_id=order.id,
        product_id=line.product_id,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_minor=line.unit_minor,
        total_minor=line.unit_minor * line.quantity,
        currency=order.currency,
    )

"""Finishing what was begun: workers take the steps orders are owed, as the table `saga` names them.

    PENDING           RESERVE        -> AWAITING_PAYMENT | CANCELLED
    AWAITING_PAYMENT  AWAIT_PAYMENT  (due when the reservation expires) -> CANCELLED, RELEASE
                      COMMIT         (set by an authorised payment) -> CONFIRMED | CANCELLED (the payment is voided)
    CANCELLED         RELEASE        -> at rest

A worker leases rows (SKIP LOCKED), asks products without holding a transaction, and writes the outcome with the guard
of the order's version. A worker that dies leaves the lease to expire; every command may be repeated, so the next one
may take the step again. Commit is the pivot: from there on the order can only go forward.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from common.events.sql import SqlConnection
from common.money import currency_digits
from common.subgraph.database import fetch
from subgraphs.orders.domain.pricing import PricedLine, RequestedLine, price_order
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import CancelReason, OrderStatus
from subgraphs.orders.domain.words import PENDING_DEADLINE_S
from subgraphs.orders.errors import OrderError, ReservationUnavailable
from subgraphs.orders.service.moving import SYSTEM, Moving, cancelled, confirmed, reserved
from subgraphs.orders.service.stock import HeldStock, Stock
from subgraphs.orders.service.store import Due, Step

BATCH = 20
#: a worker that takes longer is taken for dead; longer than all its deadlines together
LEASE = timedelta(seconds=15)
RETRY_CAP_S = 60.0

# `attempts` counts leases: after a crash it tells that the step was begun before
_LEASE = """
UPDATE saga SET next_at = $2, attempts = attempts + 1 WHERE order_id IN (
    SELECT order_id FROM saga WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING order_id, step, attempts
"""
_RETRY = "UPDATE saga SET next_at = $3, last_error = $4 WHERE order_id = $1 AND step = $2"
_REST = "DELETE FROM saga WHERE order_id = $1 AND step = $2"
_LINES = """
SELECT product_id, quantity, unit_minor, expected_unit_minor FROM order_line WHERE order_id = $1 ORDER BY position
"""
_PROMISE = """
UPDATE order_line l SET sku = p.sku, name = p.name, unit_minor = p.unit_minor, weight_grams = p.weight_grams
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::int[])
    AS p(product_id, sku, name, unit_minor, weight_grams)
WHERE l.order_id = $1 AND l.product_id = p.product_id
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Saga:
    """The steps themselves. Each may be taken any number of times."""

    moving: Moving
    stock: Stock

    async def take(self, order_id: UUID, step: Step) -> None:
        """Raises ReservationUnavailable where products did not answer: take it again later."""
        order = await self.moving.load(order_id)
        if order is None:
            return
        match step:
            case Step.RESERVE:
                await self._reserve(order)
            case Step.AWAIT_PAYMENT:
                await self._cancel(order, CancelReason.RESERVATION_EXPIRED)
            case Step.COMMIT:
                await self._commit(order)
            case Step.RELEASE:
                await self.stock.release(order_id)
                await self.moving.database.fetch(_REST, [order_id, step.value])

    async def _reserve(self, order: Order) -> None:
        now = self.moving.clock.now()
        if order.status is not OrderStatus.PENDING:
            return
        if now - order.placed_at > timedelta(seconds=PENDING_DEADLINE_S):
            await self._cancel(order, CancelReason.OUT_OF_STOCK)
            return
        try:
            held = await self.stock.reserve(order.id, await self._requested(order, insists=False), order.currency)
        except OrderError as exc:
            _log.info("an accepted order cannot be supplied", order_id=str(order.id), reason=exc.message)
            await self._cancel(order, CancelReason.OUT_OF_STOCK)
            return
        country = str(order.shipping_address["country"])
        totals = price_order(held.lines, country, order.currency, currency_digits(order.currency))
        after = reserved(order, totals, held.expires_at, now)
        async with self.moving.database.transaction() as connection:
            due = Due(Step.AWAIT_PAYMENT, held.expires_at)
            if await self.moving.step(connection, order, after, due=due, actor=SYSTEM):
                await _write_promises(connection, order.id, held.lines)

    async def _commit(self, order: Order) -> None:
        if order.status is not OrderStatus.AWAITING_PAYMENT:
            return
        if not await self.stock.commit(order.id) and not await self._recover(order):
            await self._cancel(order, CancelReason.OUT_OF_STOCK)
            return
        async with self.moving.database.transaction() as connection:
            after = confirmed(order, self.moving.clock.now())
            is_confirmed = await self.moving.step(connection, order, after, due=None, actor=SYSTEM)
        if not is_confirmed:
            # cancelled while we were asking: whatever is held for it now is not needed
            await self.stock.release(order.id)

    async def _recover(self, order: Order) -> bool:
        """The reservation expired before the payment was heard of: hold the same goods again, if there are any."""
        try:
            held = await self.stock.reserve(order.id, await self._requested(order, insists=True), order.currency)
        except OrderError:
            return False
        return _is_as_agreed(held, order) and await self.stock.commit(order.id)

    async def _cancel(self, order: Order, reason: CancelReason) -> None:
        if order.status not in {OrderStatus.PENDING, OrderStatus.AWAITING_PAYMENT}:
            return
        now = self.moving.clock.now()
        async with self.moving.database.transaction() as connection:
            after = cancelled(order, reason, now)
            await self.moving.step(connection, order, after, due=Due(Step.RELEASE, now), actor=SYSTEM)

    async def _requested(self, order: Order, *, insists: bool) -> tuple[RequestedLine, ...]:
        """The lines as a request; `insists`: at the price the order has, else at the price the buyer was shown."""
        rows = await self.moving.database.fetch(_LINES, [order.id])
        return tuple(
            RequestedLine(
                row["product_id"], row["quantity"], row["unit_minor"] if insists else row["expected_unit_minor"]
            )
            for row in rows
        )


@dataclass(frozen=True, slots=True)
class DueSteps:
    """Takes the steps that are due."""

    saga: Saga

    async def take_due(self) -> int:
        """One batch; the number of steps taken or tried."""
        now = self.saga.moving.clock.now()
        due = await self.saga.moving.database.fetch(_LEASE, [now, now + LEASE, BATCH])
        await asyncio.gather(*(self._take(row["order_id"], Step(row["step"]), row["attempts"]) for row in due))
        return len(due)

    async def _take(self, order_id: UUID, step: Step, attempts: int) -> None:
        try:
            await self.saga.take(order_id, step)
        except ReservationUnavailable as exc:
            delay_s = min(RETRY_CAP_S, 0.25 * 2.0 ** min(attempts, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            await self._retry(order_id, step, delay_s, exc)
        except Exception as exc:
            # border: one order's trouble must not stop the others; it shows in the table and in the log
            _log.exception("a step of an order failed", order_id=str(order_id), step=step.value)
            await self._retry(order_id, step, RETRY_CAP_S, exc)

    async def _retry(self, order_id: UUID, step: Step, delay_s: float, error: Exception) -> None:
        at = self.saga.moving.clock.now() + timedelta(seconds=delay_s)
        await self.saga.moving.database.fetch(_RETRY, [order_id, step.value, at, repr(error)[:500]])


async def _write_promises(connection: SqlConnection, order_id: UUID, lines: tuple[PricedLine, ...]) -> None:
    await fetch(
        connection,
        _PROMISE,
        [
            order_id,
            [line.product_id for line in lines],
            [line.sku for line in lines],
            [line.name for line in lines],
            [line.unit_minor for line in lines],
            [line.weight_grams for line in lines],
        ],
    )


def _is_as_agreed(held: HeldStock, order: Order) -> bool:
    return sum(line.total_minor for line in held.lines) == order.subtotal_minor

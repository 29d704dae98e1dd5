"""Finishing what was begun: workers take the steps orders are owed, as the table `saga` names them.

    PENDING           RESERVE        -> AWAITING_PAYMENT | CANCELLED
    AWAITING_PAYMENT  AWAIT_PAYMENT  (due when the reservation expires) -> CANCELLED, RELEASE
                      COMMIT         (set by an authorised payment) -> CONFIRMED | CANCELLED (the payment is voided)
    CANCELLED         RELEASE        -> at rest

A worker leases rows (SKIP LOCKED), asks products without holding a transaction, and writes the outcome with the guard
of the order's version. A worker that dies leaves the lease to expire; every command may be repeated, so the next one
may take the step again. Commit is the pivot: from there on the order can only go forward. The step is the state of the
saga as well: RELEASE compensates, no row is at rest.
"""

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from opentelemetry.trace import Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.events import Event, decode_event
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.money import currency_digits
from common.subgraph.database import Row, fetch
from common.subgraph.due import IDLE_PAUSE_S, Signal
from subgraphs.orders.domain.pricing import PricedLine, RequestedLine, price_order
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import CancelReason, OrderStatus
from subgraphs.orders.domain.words import DEFAULT_COUNTRY
from subgraphs.orders.errors import OrderError, ReservationUnavailable
from subgraphs.orders.service.moving import SYSTEM, Moving, cancelled, confirmed, reserved
from subgraphs.orders.service.stock import HeldStock, Stock
from subgraphs.orders.service.store import ORDER_COLUMNS, Due, Step, order_of

BATCH = 20
#: a worker that takes longer is taken for dead; longer than all its deadlines together
LEASE = timedelta(seconds=15)
RETRY_CAP_S = 60.0

# `attempts` counts leases: after a crash it tells that the step was begun before
_LEASE = f"""
WITH due AS MATERIALIZED (
    SELECT order_id FROM saga WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE saga s SET next_at = $2, attempts = attempts + 1 FROM due WHERE s.order_id = due.order_id
    RETURNING s.order_id, s.step, s.attempts, s.deadline, s.cause
)
SELECT {ORDER_COLUMNS}, l.step, l.attempts, l.deadline, l.cause FROM leased l JOIN orders o ON o.id = l.order_id
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

_PROPAGATOR = TraceContextTextMapPropagator()

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step, leased to this process, of an order as it was then."""

    order: Order
    step: Step
    #: leases so far, this one included
    attempts: int
    deadline: datetime | None
    #: the event that made it due
    cause: Event | None


@dataclass(frozen=True, slots=True)
class Saga:
    """The steps themselves. Each may be taken any number of times."""

    moving: Moving
    stock: Stock

    async def take(self, due: DueStep) -> None:
        """Raises ReservationUnavailable where products did not answer: take it again later."""
        match due.step:
            case Step.RESERVE:
                await self._reserve(due)
            case Step.AWAIT_PAYMENT:
                await self._cancel(due, CancelReason.RESERVATION_EXPIRED)
            case Step.COMMIT:
                await self._commit(due)
            case Step.RELEASE:
                await self.stock.release(due.order.id)
                failpoint("orders.release.after_call")
                await self.moving.database.fetch(_REST, [due.order.id, due.step.value])

    async def _reserve(self, due: DueStep) -> None:
        order, now = due.order, self.moving.clock.now()
        if order.status is not OrderStatus.PENDING:
            return
        if due.deadline is not None and now > due.deadline:
            await self._cancel(due, CancelReason.OUT_OF_STOCK)
            return
        try:
            held = await self.stock.reserve(order.id, await self._requested(order, insists=False), order.currency)
        except OrderError as exc:
            _log.info("an accepted order cannot be supplied", order_id=str(order.id), reason=exc.message)
            await self._cancel(due, CancelReason.OUT_OF_STOCK)
            return
        failpoint("orders.reserve.after_call")
        country = order.country or DEFAULT_COUNTRY
        totals = price_order(held.lines, country, order.currency, currency_digits(order.currency))
        after = reserved(order, totals, held.expires_at, now)
        async with self.moving.database.transaction() as connection:
            waiting = Due(Step.AWAIT_PAYMENT, held.expires_at, held.expires_at)
            is_reserved = await self.moving.step(order, after, due=waiting, actor=SYSTEM, cause=due.cause)
            if is_reserved:
                await _write_promises(connection, order.id, held.lines)
        if not is_reserved:
            await self._overtaken(order.id)

    async def _commit(self, due: DueStep) -> None:
        order = due.order
        if order.status is not OrderStatus.AWAITING_PAYMENT:
            return
        failpoint("orders.commit.before_call")
        if not await self.stock.commit(order.id) and not await self._recover(order):
            await self._cancel(due, CancelReason.OUT_OF_STOCK)
            return
        failpoint("orders.commit.after_call")
        after = confirmed(order, self.moving.clock.now())
        if not await self.moving.step(order, after, due=None, actor=SYSTEM, cause=due.cause):
            await self._overtaken(order.id)

    async def _overtaken(self, order_id: UUID) -> None:
        """The order has moved while products was asked. Of one that was cancelled, whatever is held now is not needed;
        every other one is in the hands of a worker that took this one for dead."""
        now = await self.moving.load(order_id)
        if now is not None and now.status is OrderStatus.CANCELLED:
            await self.stock.release(order_id)

    async def _recover(self, order: Order) -> bool:
        """The reservation expired before the payment was heard of: hold the same goods again, if there are any."""
        try:
            held = await self.stock.reserve(order.id, await self._requested(order, insists=True), order.currency)
        except OrderError:
            return False
        return _is_as_agreed(held, order) and await self.stock.commit(order.id)

    async def _cancel(self, due: DueStep, reason: CancelReason) -> None:
        if due.order.status not in {OrderStatus.PENDING, OrderStatus.AWAITING_PAYMENT}:
            return
        now = self.moving.clock.now()
        after, owed = cancelled(due.order, reason, now), Due(Step.RELEASE, now)
        await self.moving.step(due.order, after, due=owed, actor=SYSTEM, cause=due.cause)

    async def _requested(self, order: Order, *, insists: bool) -> tuple[RequestedLine, ...]:
        """The lines as a request; `insists`: at the price the order has, else at the price the buyer was shown."""
        rows = await self.moving.database.fetch(_LINES, [order.id])
        return tuple(
            RequestedLine(
                row["product_id"], row["quantity"], row["unit_minor"] if insists else row["expected_unit_minor"]
            )
            for row in rows
        )


class DueSteps:
    """Takes the steps that are due: those of the table, and those this process leased itself when it made them due."""

    def __init__(self, saga: Saga, signal: Signal, tracer: Tracer) -> None:
        self.saga = saga
        self._signal = signal
        self._tracer = tracer
        self._handed_over: deque[DueStep] = deque()
        self._looked_at = float("-inf")

    def hand_over(self, due: DueStep) -> None:
        """A step that is leased already, in a statement that has committed."""
        self._handed_over.append(due)
        self._signal.wake()

    async def take_due(self) -> int:
        """One batch; the number of steps taken or tried."""
        due = [self._handed_over.popleft() for _ in range(min(BATCH, len(self._handed_over)))]
        now_s = self.saga.moving.clock.monotonic()
        # with something in hand the table need not be asked, but it must not be forgotten
        if not due or now_s - self._looked_at >= IDLE_PAUSE_S:
            self._looked_at = now_s
            due += await self._lease()
        await asyncio.gather(*(self._take(each) for each in due))
        return len(due)

    async def _lease(self) -> list[DueStep]:
        now = self.saga.moving.clock.now()
        rows = await self.saga.moving.database.fetch(_LEASE, [now, now + LEASE, BATCH])
        if rows:
            failpoint("orders.lease.after_commit")
        return [_due_step(row) for row in rows]

    async def _take(self, due: DueStep) -> None:
        try:
            with self._span(due):
                await self.saga.take(due)
        except ReservationUnavailable as exc:
            delay_s = min(RETRY_CAP_S, 0.25 * 2.0 ** min(due.attempts, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            await self._retry(due, delay_s, exc)
        except Exception as exc:
            # border: one order's trouble must not stop the others; it shows in the table and in the log
            _log.exception("a step of an order failed", order_id=str(due.order.id), step=due.step.value)
            await self._retry(due, RETRY_CAP_S, exc)

    async def _retry(self, due: DueStep, delay_s: float, error: Exception) -> None:
        at = self.saga.moving.clock.now() + timedelta(seconds=delay_s)
        await self.saga.moving.database.fetch(_RETRY, [due.order.id, due.step.value, at, repr(error)[:500]])

    @contextmanager
    def _span(self, due: DueStep) -> Iterator[None]:
        """Part of the trace that made the step due."""
        parent = due.cause.metadata.traceparent if due.cause else None
        context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(f"saga {due.step.value}", context=context):
            yield


def _due_step(row: Row) -> DueStep:
    cause = decode_event(row["cause"].encode()) if row["cause"] else None
    return DueStep(order_of(row), Step(row["step"]), row["attempts"], row["deadline"], cause)


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

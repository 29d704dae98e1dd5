"""Many buyers, one product: whoever waits for the same product is served together, up to 64 by one statement.

A single request goes at once, exactly as without this file. Those that arrive meanwhile queue behind it; the first of
them takes all along. So the row is locked, and the log is flushed, once for many buyers. Within a batch units go to the
buyers in the order they came; one who wants more than is left does not stop those behind him: he is asked for alone.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from tortoise.exceptions import IntegrityError

from common.failpoints import failpoint
from common.ids import format_id, uuid7
from common.subgraph.database import Row
from subgraphs.products.domain.reservations import (
    LineVerdict,
    RefusalCode,
    Reservation,
    ReservationRefusal,
    ReservedLine,
    WantedLine,
)
from subgraphs.products.domain.stock import stock_status
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.events import STOCK_STATUS_CHANGED, stock_status_changed
from subgraphs.products.service.reservations import Reservations

BATCH_MAX = 64

Outcome = Reservation | ReservationRefusal

# `offer` holds, per request, the price in its currency; `fit` those who can be served if there is enough; the running
# sum decides how many of them there is enough for. Where nobody can have what is `seen`, the row is not even locked.
_RESERVE_MANY = """
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::int[], $4::bigint[], $5::text[], $6::timestamptz[], $7::uuid[])
        WITH ORDINALITY AS w(order_id, quantity, expected_minor, currency, expires_at, reservation_id, position)
), held AS MATERIALIZED (
    SELECT DISTINCT order_id FROM reservation WHERE order_id = ANY($2::uuid[]) AND state <> 'RELEASED'
), seen AS MATERIALIZED (
    SELECT s.product_id, s.on_hand - s.reserved AS available, s.low_stock_threshold, p.sku, p.name, p.weight_grams,
           p.currency, p.price_minor
    FROM stock s JOIN product p ON p.id = s.product_id WHERE s.product_id = $1 AND p.status = 'ACTIVE'
), locked AS MATERIALIZED (
    SELECT s.product_id, s.on_hand - s.reserved AS available FROM stock s
    WHERE s.product_id = $1 AND (SELECT available FROM seen) >= (SELECT min(quantity) FROM want) FOR UPDATE
), offer AS MATERIALIZED (
    SELECT w.*, coalesce(f.price_minor, p.price_minor) AS price_minor, coalesce(f.currency, p.currency) AS sold_in
    FROM want w CROSS JOIN seen p
        LEFT JOIN product_price f ON f.product_id = $1 AND f.currency = w.currency AND p.currency <> w.currency
), fit AS MATERIALIZED (
    SELECT o.*, sum(o.quantity) OVER (ORDER BY o.position) AS running
    FROM offer o WHERE o.price_minor = coalesce(o.expected_minor, o.price_minor)
        AND o.sold_in = coalesce(o.currency, o.sold_in)
        AND NOT EXISTS (SELECT FROM held h WHERE h.order_id = o.order_id)
), granted AS MATERIALIZED (
    SELECT f.* FROM fit f CROSS JOIN locked l WHERE f.running <= l.available
), sold AS MATERIALIZED (
    SELECT coalesce(sum(quantity), 0)::int AS quantity FROM granted
), taken AS (
    UPDATE stock s SET reserved = s.reserved + t.quantity, version = s.version + 1
    FROM sold t CROSS JOIN locked l WHERE s.product_id = l.product_id AND t.quantity > 0
    RETURNING s.version, s.low_stock_threshold AS threshold, l.available AS before, l.available - t.quantity AS after
), kept AS (
    INSERT INTO reservation (id, order_id, product_id, quantity, unit_price_minor, currency, state, expires_at)
    SELECT reservation_id, order_id, $1, quantity, price_minor, sold_in, 'HELD', expires_at FROM granted
), told AS (
    INSERT INTO outbox (event_id, type, aggregate_id, aggregate_version, payload, metadata, occurred_at)
    SELECT $8, $9, $10::text, version, jsonb_build_object('product_id', $10::text, 'status',
        CASE WHEN after <= 0 THEN 'OUT_OF_STOCK' ELSE 'LOW_STOCK' END), $11::jsonb, $12
    FROM taken WHERE (before > threshold AND after <= threshold) OR (before > 0 AND after <= 0)
)
SELECT g.order_id IS NOT NULL AS is_granted, f.order_id IS NOT NULL AS fits,
       coalesce(l.available, s.available) - t.quantity AS available,
       s.sku, s.name, s.weight_grams, f.sold_in AS currency, f.price_minor
FROM want w CROSS JOIN sold t LEFT JOIN seen s ON TRUE LEFT JOIN locked l ON TRUE LEFT JOIN fit f USING (position)
    LEFT JOIN granted g USING (position)
ORDER BY w.position
"""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request in the queue, and its outcome once somebody has served it."""

    order_id: UUID
    line: WantedLine
    currency: str | None
    expires_at: datetime
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Queue:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: deque[_Waiting] = field(default_factory=deque)
    #: requests that are in here in any way; the queue goes with the last one
    user_count: int = 0


@dataclass(frozen=True, slots=True)
class Rush:
    """Reservations, with those of one product taken together when they come at once."""

    reservations: Reservations
    _queues: dict[UUID, _Queue] = field(default_factory=dict)

    async def reserve(self, order_id: UUID, lines: Sequence[WantedLine], currency: str | None, ttl_s: float) -> Outcome:
        """As `Reservations.reserve`."""
        if len(lines) > 1:
            return await self.reservations.reserve(order_id, lines, currency, ttl_s)
        product_id = lines[0].product_id
        queue = self._queues.setdefault(product_id, _Queue())
        expires_at = self.reservations.clock.now() + timedelta(seconds=ttl_s)
        mine = _Waiting(order_id, lines[0], currency, expires_at)
        queue.waiting.append(mine)
        queue.user_count += 1
        try:
            async with queue.turn:
                if len(queue.waiting) == 1 and mine in queue.waiting:
                    # alone; those who come while this runs wait for their turn together
                    mine.outcome = await self.reservations.reserve(order_id, lines, currency, ttl_s)
                elif mine in queue.waiting:
                    await self._serve(product_id, queue)
        finally:
            queue.user_count -= 1
            if mine in queue.waiting:
                queue.waiting.remove(mine)
            if not queue.user_count:
                del self._queues[product_id]
        # None: asked for alone, see `_serve`
        return mine.outcome or await self.reservations.reserve(order_id, lines, currency, ttl_s)

    async def _serve(self, product_id: UUID, queue: _Queue) -> None:
        """Take those who wait along, and write down their outcomes; one that stays None is to ask for itself.

        Where this fails or is cancelled nobody has an outcome, and each asks for itself: asking twice does no harm.
        """
        batch = [queue.waiting.popleft() for _ in range(min(BATCH_MAX, len(queue.waiting)))]
        failpoint("products.rush.before_commit")
        try:
            rows = await self._ask(product_id, batch)
        except IntegrityError:
            return  # one order twice in the batch, or at this moment elsewhere
        failpoint("products.rush.after_commit")
        for waiting, row in zip(batch, rows, strict=True):
            waiting.outcome = _outcome(waiting, row)

    async def _ask(self, product_id: UUID, batch: Sequence[_Waiting]) -> list[Row]:
        aggregate_id = format_id(PRODUCT_PREFIX, product_id)
        template = stock_status_changed(aggregate_id, 0, stock_status(0, 0), self.reservations.clock)
        return await self.reservations.database.fetch(
            _RESERVE_MANY,
            [
                product_id,
                [waiting.order_id for waiting in batch],
                [waiting.line.quantity for waiting in batch],
                [waiting.line.expected_price_minor for waiting in batch],
                [waiting.currency for waiting in batch],
                [waiting.expires_at for waiting in batch],
                [uuid7() for _ in batch],
                template.event_id,
                STOCK_STATUS_CHANGED,
                aggregate_id,
                orjson.dumps(template.metadata).decode(),
                template.occurred_at,
            ],
        )


def _outcome(waiting: _Waiting, row: Row) -> Outcome | None:
    """None where the statement cannot tell: a repetition, another price, too much for the batch but not for all."""
    line = waiting.line
    if row["is_granted"]:
        reserved = ReservedLine(
            product_id=line.product_id,
            sku=row["sku"],
            name=row["name"],
            quantity=line.quantity,
            unit_price_minor=row["price_minor"],
            currency=row["currency"],
            weight_grams=row["weight_grams"],
        )
        return Reservation(waiting.order_id, (reserved,), waiting.expires_at)
    if row["fits"] and row["available"] < line.quantity:
        verdict = LineVerdict(line, row["available"], row["price_minor"], row["currency"])
        return ReservationRefusal(RefusalCode.INSUFFICIENT_STOCK, (verdict,))
    return None

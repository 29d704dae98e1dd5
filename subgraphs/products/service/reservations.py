"""Holding stock for orders: reserve, commit, release, ship; idempotent by the order's id, safe under any race.

A reservation is one SQL statement in autocommit: it locks the stock rows in the order of their ids (no deadlocks),
decides for all lines at once (all or nothing), and writes stock, reservation and outbox. The lock is held for the time
of one statement only; that beats every transaction of several statements, measured on one hot product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from tortoise.exceptions import IntegrityError

from common.clock import Clock
from common.errors import UnavailableError
from common.events import Outbox
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import format_id, uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.products.domain.reservations import (
    SWEEP_GRACE_S,
    LineVerdict,
    Reservation,
    ReservationRefusal,
    ReservedLine,
    WantedLine,
    refusal,
)
from subgraphs.products.domain.stock import stock_status
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.events import STOCK_STATUS_CHANGED, stock_status_changed

#: orders whose stock one sweep gives back
SWEEP_BATCH = 200
#: tries of one reservation whose order is being reserved or released at the same moment
ATTEMPTS = 5

# Why it is exact: `locked` waits for its rows and reads their newest version; nobody else can change them until the
# statement ends; `taken` adds to that version. `held` makes a repetition a no-op; two simultaneous first requests of
# one order both pass `held`, the second then fails on the unique index and is tried again.
# `seen` may only deny early: what it finds too little of, or not for sale so, is not locked, so that the crowd that
# comes too late neither queues for the row nor has the log flushed. What it finds enough of is decided by `locked`.
_RESERVE = """
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::int[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[]) WITH ORDINALITY
        AS w(product_id, quantity, expected_minor, reservation_id, event_id, aggregate_id, position)
), held AS MATERIALIZED (
    SELECT 1 FROM reservation WHERE order_id = $1 AND state <> 'RELEASED' LIMIT 1
), seen AS MATERIALIZED (
    SELECT s.product_id, s.on_hand - s.reserved AS available, s.low_stock_threshold, p.sku, p.name, p.weight_grams,
           coalesce(f.currency, p.currency) AS currency,
           CASE WHEN p.status = 'ACTIVE' THEN coalesce(f.price_minor, p.price_minor) END AS price_minor
    FROM stock s JOIN product p ON p.id = s.product_id
        LEFT JOIN product_price f ON f.product_id = p.id AND f.currency = $8::text AND p.currency <> $8::text
    WHERE s.product_id = ANY($2::uuid[])
), hope AS MATERIALIZED (
    SELECT count(*) = cardinality($2::uuid[]) AND count(DISTINCT l.currency) = 1 AND coalesce(bool_and(
        l.available >= w.quantity AND l.price_minor IS NOT NULL
        AND l.price_minor = coalesce(w.expected_minor, l.price_minor)
        AND l.currency = coalesce($8::text, l.currency)), FALSE) AND NOT EXISTS (SELECT FROM held) AS is_there
    FROM want w JOIN seen l USING (product_id)
), locked AS MATERIALIZED (
    SELECT s.product_id, s.on_hand - s.reserved AS available
    FROM stock s WHERE s.product_id = ANY($2::uuid[]) AND (SELECT is_there FROM hope)
    ORDER BY s.product_id FOR UPDATE
), verdict AS MATERIALIZED (
    SELECT count(*) = cardinality($2::uuid[]) AND coalesce(bool_and(l.available >= w.quantity), FALSE) AS is_granted
    FROM want w JOIN locked l USING (product_id)
), taken AS (
    UPDATE stock s SET reserved = s.reserved + w.quantity, version = s.version + 1
    FROM want w JOIN locked l USING (product_id) CROSS JOIN verdict v
    WHERE s.product_id = w.product_id AND v.is_granted
    RETURNING w.product_id, w.event_id, w.aggregate_id, s.version, s.low_stock_threshold AS threshold,
        l.available AS before, l.available - w.quantity AS after
), kept AS (
    INSERT INTO reservation (id, order_id, product_id, quantity, unit_price_minor, currency, state, expires_at)
    SELECT w.reservation_id, $1, w.product_id, w.quantity, l.price_minor, l.currency, 'HELD', $9
    FROM want w JOIN seen l USING (product_id) CROSS JOIN verdict v WHERE v.is_granted
), told AS (
    INSERT INTO outbox (event_id, type, aggregate_id, aggregate_version, payload, metadata, occurred_at)
    SELECT event_id, $10, aggregate_id, version,
        jsonb_build_object('product_id', aggregate_id, 'status',
            CASE WHEN after <= 0 THEN 'OUT_OF_STOCK' ELSE 'LOW_STOCK' END), $11::jsonb, $12
    FROM taken WHERE (before > threshold AND after <= threshold) OR (before > 0 AND after <= 0)
)
SELECT w.product_id, w.quantity, coalesce(l.available, s.available) AS available, s.price_minor, s.currency, s.sku,
       s.name, s.weight_grams, v.is_granted, EXISTS (SELECT FROM held) AS is_replay
FROM want w LEFT JOIN seen s USING (product_id) LEFT JOIN locked l USING (product_id) CROSS JOIN verdict v
ORDER BY w.position
"""

_REPLAY = """
SELECT r.product_id, r.quantity, r.unit_price_minor AS price_minor, r.currency, r.expires_at, p.sku, p.name,
       p.weight_grams
FROM reservation r JOIN product p ON p.id = r.product_id
WHERE r.order_id = $1 AND r.state <> 'RELEASED'
"""

# All reservations of an order are locked in one order everywhere, so commit, release and sweep never split an order.
_COMMIT = """
WITH mine AS MATERIALIZED (
    SELECT id FROM reservation WHERE order_id = $1 AND state <> 'RELEASED' ORDER BY product_id FOR UPDATE
), done AS (
    UPDATE reservation r SET state = 'COMMITTED' FROM mine m WHERE r.id = m.id AND r.state = 'HELD'
)
SELECT count(*) AS line_count FROM mine
"""

_FREE = """
WITH mine AS MATERIALIZED (
    SELECT id, product_id, quantity - shipped AS quantity FROM reservation
    WHERE order_id = ANY($1::uuid[]) AND {condition} ORDER BY order_id, product_id FOR UPDATE
), freed AS (
    UPDATE reservation r SET state = 'RELEASED' FROM mine m WHERE r.id = m.id RETURNING r.product_id, m.quantity
), total AS MATERIALIZED (
    SELECT product_id, sum(quantity)::int AS quantity FROM freed GROUP BY product_id
), locked AS MATERIALIZED (
    SELECT s.product_id, s.on_hand - s.reserved AS before FROM stock s
    WHERE s.product_id IN (SELECT product_id FROM total) ORDER BY s.product_id FOR UPDATE
)
UPDATE stock s SET reserved = s.reserved - t.quantity, version = s.version + 1
FROM total t JOIN locked l USING (product_id) WHERE s.product_id = t.product_id
RETURNING s.product_id, s.version, s.low_stock_threshold, l.before, l.before + t.quantity AS after
"""
_RELEASE = _FREE.format(condition="state <> 'RELEASED'")
_SWEEP = _FREE.format(condition="state = 'HELD' AND expires_at < $2")

_SHIP = """
WITH goods AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::int[], $4::uuid[]) AS g(product_id, quantity, movement_id)
), mine AS (
    UPDATE reservation r SET shipped = r.shipped + g.quantity FROM goods g
    WHERE r.order_id = $1 AND r.product_id = g.product_id AND r.state = 'COMMITTED'
    RETURNING r.product_id, g.quantity, g.movement_id
), locked AS MATERIALIZED (
    SELECT s.product_id FROM stock s WHERE s.product_id IN (SELECT product_id FROM mine)
    ORDER BY s.product_id FOR UPDATE
), gone AS (
    UPDATE stock s SET on_hand = s.on_hand - m.quantity, reserved = s.reserved - m.quantity, version = s.version + 1
    FROM mine m JOIN locked l USING (product_id) WHERE s.product_id = m.product_id
)
INSERT INTO stock_movement (id, product_id, reason, delta, order_id, actor, created_at)
SELECT movement_id, product_id, 'SHIPPED', -quantity, $1, 'system:orders', $5 FROM mine
RETURNING product_id
"""


@dataclass(frozen=True, slots=True)
class Reservations:
    """Stock held for orders."""

    database: Database
    clock: Clock
    outbox: Outbox

    async def reserve(
        self, order_id: UUID, lines: Sequence[WantedLine], currency: str | None, ttl_s: float
    ) -> Reservation | ReservationRefusal:
        """Hold all lines for `ttl_s` seconds, or none. A repetition for the same order gets what was promised first.

        `lines` is not empty and names every product once. One statement; a second one for a repetition.
        """
        for _ in range(ATTEMPTS):
            expires_at = self.clock.now() + timedelta(seconds=ttl_s)
            failpoint("products.reserve.before_commit")
            try:
                rows = await self._ask(order_id, lines, currency, expires_at)
            except IntegrityError:
                continue  # the same order is being reserved at this moment by somebody else, who won
            failpoint("products.reserve.after_commit")
            if not rows[0]["is_replay"]:
                if not rows[0]["is_granted"]:
                    return _refusal(lines, rows, currency)
                return Reservation(order_id, tuple(_reserved_line(row) for row in rows), expires_at)
            if promised := await self._promised(order_id, lines):
                return promised
            # released between the two statements: ask anew
        raise UnavailableError("the reservation of this order changes too fast")

    async def commit(self, order_id: UUID) -> bool:
        """Make the reservation of an order permanent: it is paid for. False where there is none (any more)."""
        failpoint("products.commit.before_commit")
        rows = await self.database.fetch(_COMMIT, [order_id])
        failpoint("products.commit.after_commit")
        return bool(rows[0]["line_count"])

    async def release(self, order_id: UUID) -> None:
        """Give back all that is reserved for an order, committed or not, and not shipped; nothing is no error."""
        async with self.database.transaction() as connection:
            await self._tell(connection, await fetch(connection, _RELEASE, [[order_id]]))
            failpoint("products.release.before_commit")
        failpoint("products.release.after_commit")

    async def ship(self, connection: SqlConnection, order_id: UUID, goods: Sequence[tuple[UUID, int]]) -> None:
        """Units of committed reservations leave the house; the caller's transaction makes it happen once."""
        await fetch(
            connection,
            _SHIP,
            [
                order_id,
                [product_id for product_id, _ in goods],
                [quantity for _, quantity in goods],
                [uuid7() for _ in goods],
                self.clock.now(),
            ],
        )

    async def sweep(self) -> int:
        """Give back what expired; the number of orders looked at. Two sweepers at once do no harm."""
        deadline = self.clock.now() - timedelta(seconds=SWEEP_GRACE_S)
        expired = await self.database.fetch(
            "SELECT DISTINCT order_id FROM reservation WHERE state = 'HELD' AND expires_at < $1 LIMIT $2",
            [deadline, SWEEP_BATCH],
        )
        if expired:
            async with self.database.transaction() as connection:
                order_ids = [row["order_id"] for row in expired]
                await self._tell(connection, await fetch(connection, _SWEEP, [order_ids, deadline]))
                failpoint("products.sweep.before_commit")
            failpoint("products.sweep.after_commit")
        return len(expired)

    async def _ask(
        self, order_id: UUID, lines: Sequence[WantedLine], currency: str | None, expires_at: datetime
    ) -> list[Row]:
        product_ids = [line.product_id for line in lines]
        aggregate_ids = [format_id(PRODUCT_PREFIX, product_id) for product_id in product_ids]
        # its metadata serve every line; type, status and version are filled in by the statement
        template = stock_status_changed(aggregate_ids[0], 0, stock_status(0, 0), self.clock)
        return await self.database.fetch(
            _RESERVE,
            [
                order_id,
                product_ids,
                [line.quantity for line in lines],
                [line.expected_price_minor for line in lines],
                [uuid7() for _ in lines],
                [uuid7() for _ in lines],
                aggregate_ids,
                currency,
                expires_at,
                STOCK_STATUS_CHANGED,
                orjson.dumps(template.metadata).decode(),
                template.occurred_at,
            ],
        )

    async def _promised(self, order_id: UUID, lines: Sequence[WantedLine]) -> Reservation | None:
        row_by_product = {row["product_id"]: row for row in await self.database.fetch(_REPLAY, [order_id])}
        if any(line.product_id not in row_by_product for line in lines):
            return None
        promised = [row_by_product[line.product_id] for line in lines]
        return Reservation(order_id, tuple(_reserved_line(row) for row in promised), promised[0]["expires_at"])

    async def _tell(self, connection: SqlConnection, changes: Sequence[Row]) -> None:
        await tell_status_changes(connection, self.outbox, self.clock, changes)


async def tell_status_changes(connection: SqlConnection, outbox: Outbox, clock: Clock, changes: Sequence[Row]) -> None:
    """Record an event for each changed row of stock whose public status is another one now.

    Rows carry product_id, version, low_stock_threshold and the available units `before` and `after`; where the
    threshold itself has changed, `threshold_before` too.
    """
    for row in changes:
        threshold = row["threshold_before"] if "threshold_before" in row else row["low_stock_threshold"]
        before = stock_status(row["before"], threshold)
        after = stock_status(row["after"], row["low_stock_threshold"])
        if before is not after:
            aggregate_id = format_id(PRODUCT_PREFIX, row["product_id"])
            await outbox.add(connection, stock_status_changed(aggregate_id, row["version"], after, clock))


def _reserved_line(row: Row) -> ReservedLine:
    return ReservedLine(
        product_id=row["product_id"],
        sku=row["sku"],
        name=row["name"],
        quantity=row["quantity"],
        unit_price_minor=row["price_minor"],
        currency=row["currency"],
        weight_grams=row["weight_grams"],
    )


def _refusal(lines: Sequence[WantedLine], rows: Sequence[Row], currency: str | None) -> ReservationRefusal:
    verdicts = tuple(
        LineVerdict(line, row["available"] or 0, row["price_minor"], row["currency"])
        for line, row in zip(lines, rows, strict=True)
    )
    found = refusal(verdicts, currency)
    if found is None:
        raise RuntimeError("the statement refused a reservation the rules allow")
    return found

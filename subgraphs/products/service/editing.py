"""Changing the catalogue and its stock, by staff. Each call is one transaction; a refusal changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Outbox
from common.events.sql import SqlConnection
from common.ids import format_id, uuid7
from common.subgraph.database import Database, Row, fetch
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from subgraphs.products.domain import (
    LOW_STOCK_THRESHOLD_DEFAULT,
    PRODUCT_PREFIX,
    QUANTITY_MAX,
    InventoryReason,
    ProductStatus,
    check_adjustment,
    check_name,
    check_price,
    check_sku,
    check_status_change,
    check_weight,
    slugify,
)
from subgraphs.products.errors import (
    CatalogueError,
    DuplicateSku,
    InvalidInput,
    NotFound,
    StaleVersion,
)
from subgraphs.products.service.reservations import tell_status_changes

_INSERT = """
WITH made AS (
    INSERT INTO product (id, sku, slug, name, description, status, price_minor, currency, weight_grams, category_id,
        created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 'ACTIVE', $6, $7, $8, $9, $10, $10)
    ON CONFLICT DO NOTHING RETURNING id
), stocked AS (
    INSERT INTO stock (product_id, on_hand, low_stock_threshold) SELECT id, $11, $12 FROM made
), moved AS (
    INSERT INTO stock_movement (id, product_id, reason, delta, actor, created_at)
    SELECT $13, id, 'INITIAL', $11, $14, $10 FROM made WHERE $11 > 0
)
SELECT id FROM made
"""
_UPDATE = """
UPDATE product SET name = $3, description = $4, price_minor = $5, currency = $6, status = $7, updated_at = $8,
    version = version + 1
WHERE id = $1 AND version = $2 RETURNING version
"""
_ADJUST = """
WITH before AS MATERIALIZED (
    SELECT product_id, on_hand, reserved FROM stock WHERE product_id = $1 FOR UPDATE
), moved AS (
    UPDATE stock s SET on_hand = s.on_hand + $2, version = s.version + 1 FROM before b
    WHERE s.product_id = b.product_id AND b.on_hand + $2 BETWEEN b.reserved AND $6
    RETURNING s.product_id, s.version, s.low_stock_threshold, b.on_hand - b.reserved AS before,
        b.on_hand + $2 - b.reserved AS after
), written AS (
    INSERT INTO stock_movement (id, product_id, reason, delta, actor, created_at)
    SELECT $3, product_id, $4, $2, $5, $7 FROM moved
)
SELECT b.on_hand, b.reserved, m.* FROM before b LEFT JOIN moved m USING (product_id)
"""

#: a change inside the caller's transaction; its answer is JSON
Effect = Callable[[SqlConnection], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to be; `sku` None asks for one to be made up. The price is in minor units of `currency`."""

    sku: str | None
    name: str
    description: str | None
    price_minor: int
    currency: str
    weight_grams: int
    on_hand: int
    category_id: UUID | None


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """What to change; None leaves a field as it is."""

    name: str | None
    description: str | None
    price: tuple[int, str] | None
    status: ProductStatus | None


@dataclass(frozen=True, slots=True)
class Editing:
    database: Database
    clock: Clock
    outbox: Outbox

    async def create(self, actor: str, product: NewProduct, key: str | None) -> UUID:
        """Id of the new product. Raises InvalidInput, NotFound (category), DuplicateSku, IdempotencyConflictedError."""

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            return {"id": str(await self._insert(connection, actor, product))}

        return await self._run("productCreate", actor, key, asdict(product), effect)

    async def update(self, product_id: UUID, changes: ProductChanges, expected_version: int | None) -> UUID:
        """Raises NotFound, InvalidInput, StaleVersion. Without an expected version the last writer wins."""
        async with self.database.transaction() as connection:
            rows = await fetch(connection, "SELECT * FROM product WHERE id = $1 FOR UPDATE", [product_id])
            if not rows:
                raise NotFound("There is no such product.", ["id"])
            row = rows[0]
            if expected_version is not None and row["version"] != expected_version:
                raise StaleVersion("The product has changed meanwhile.", ["expectedVersion"], row["version"])
            await fetch(connection, _UPDATE, self._changed(row, changes))
        return product_id

    async def adjust(self, actor: str, product_id: UUID, delta: int, reason: InventoryReason, key: str) -> UUID:
        """Move stock in or out. Raises InvalidInput (also where reserved units would be taken away) and NotFound."""

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            check_adjustment(reason, delta)
            rows = await fetch(
                connection,
                _ADJUST,
                [product_id, delta, uuid7(), reason.value, actor, QUANTITY_MAX, self.clock.now()],
            )
            if not rows:
                raise NotFound("There is no such product.", ["productId"])
            if rows[0]["version"] is None:
                free = rows[0]["on_hand"] - rows[0]["reserved"]
                raise InvalidInput(f"Only {free} units are free to be taken out.", ["delta"])
            await tell_status_changes(connection, self.outbox, self.clock, rows)
            return {"id": str(product_id)}

        request = {"product_id": product_id, "delta": delta, "reason": reason.value}
        return await self._run("inventoryAdjust", actor, key, request, effect)

    async def _run(
        self, operation: str, actor: str, key: str | None, request: Mapping[str, Any], effect: Effect
    ) -> UUID:
        """`effect` once per key, or just once without a key; the id in its answer."""

        async def guarded(connection: SqlConnection) -> dict[str, Any]:
            try:
                answer = await effect(connection)
            except CatalogueError as exc:
                raise RejectedError(exc.to_answer()) from exc
            return answer

        if key is None:
            async with self.database.transaction() as connection:
                answer = await effect(connection)
        else:
            outcome = await run_idempotent(
                self.database, self.clock, IdempotentRequest(actor, operation, key, request), guarded
            )
            answer = outcome.answer
        CatalogueError.raise_if_refused(answer)
        return UUID(answer["id"])

    async def _insert(self, connection: SqlConnection, actor: str, product: NewProduct) -> UUID:
        product_id = uuid7()
        name = check_name(product.name)
        if not 0 <= product.on_hand <= QUANTITY_MAX:
            raise InvalidInput(f"The inventory is between 0 and {QUANTITY_MAX}.", ["inventory"])
        check_weight(product.weight_grams)
        check_price(product.price_minor)
        suffix = format_id(PRODUCT_PREFIX, product_id)[-10:]
        sku = check_sku(product.sku or f"P-{suffix}")
        if product.category_id is not None and not await fetch(
            connection, "SELECT 1 FROM category WHERE id = $1", [product.category_id]
        ):
            raise NotFound("There is no such category.", ["categoryId"])
        for slug in (slugify(name), f"{slugify(name)}-{suffix}"):
            made = await fetch(
                connection,
                _INSERT,
                [
                    product_id,
                    sku,
                    slug,
                    name,
                    product.description,
                    product.price_minor,
                    product.currency,
                    product.weight_grams,
                    product.category_id,
                    self.clock.now(),
                    product.on_hand,
                    LOW_STOCK_THRESHOLD_DEFAULT,
                    uuid7(),
                    actor,
                ],
            )
            if made:
                return product_id
            taken = await fetch(connection, "SELECT id FROM product WHERE sku = $1", [sku])
            if taken:
                existing_id = format_id(PRODUCT_PREFIX, taken[0]["id"])
                raise DuplicateSku(f"The SKU {sku} is taken.", ["sku"], existing_id)
        raise InvalidInput("Products of this name are being created too fast.", ["name"])

    def _changed(self, row: Row, changes: ProductChanges) -> list[object]:
        """Parameters of `_UPDATE`: the row with the changes in it."""
        status = ProductStatus(row["status"])
        if changes.status is not None:
            check_status_change(status, changes.status)
            status = changes.status
        price_minor, currency = changes.price or (row["price_minor"], row["currency"])
        check_price(price_minor)
        name = row["name"] if changes.name is None else check_name(changes.name)
        description = row["description"] if changes.description is None else changes.description
        return [row["id"], row["version"], name, description, price_minor, currency, status.value, self.clock.now()]

"""Changing the catalogue, by staff. Each call is one transaction; a refusal changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.ids import format_id, uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.products.domain.catalogue import Price, ProductStatus, check_status_change
from subgraphs.products.domain.fields import (
    PRICE_COUNT_MAX,
    check_compare_at,
    check_description,
    check_name,
    check_price,
    check_sku,
    check_weight,
    slugify,
)
from subgraphs.products.domain.stock import LOW_STOCK_THRESHOLD_DEFAULT, QUANTITY_MAX
from subgraphs.products.domain.words import PRODUCT_PREFIX
from subgraphs.products.errors import DuplicateSku, InvalidInput, NotFound, StaleVersion
from subgraphs.products.service.idempotently import Idempotently

_INSERT = """
WITH made AS (
    INSERT INTO product (id, sku, slug, name, description, status, price_minor, currency, compare_at_minor,
        weight_grams, category_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
    ON CONFLICT DO NOTHING RETURNING id
), stocked AS (
    INSERT INTO stock (product_id, on_hand, low_stock_threshold) SELECT id, $13, $14 FROM made
), moved AS (
    INSERT INTO stock_movement (id, product_id, reason, delta, actor, created_at)
    SELECT $15, id, 'INITIAL', $13, $16, $12 FROM made WHERE $13 > 0
), listed AS (
    INSERT INTO product_price (product_id, currency, price_minor, compare_at_minor)
    SELECT made.id, l.* FROM made CROSS JOIN unnest($17::text[], $18::bigint[], $19::bigint[]) AS l
)
SELECT id FROM made
"""
_UPDATE = """
UPDATE product SET name = $3, description = $4, price_minor = $5, currency = $6, compare_at_minor = $7,
    weight_grams = $8, category_id = $9, status = $10, updated_at = $11, version = version + 1
WHERE id = $1 AND version = $2 RETURNING version
"""
_LIST = """
INSERT INTO product_price (product_id, currency, price_minor, compare_at_minor) VALUES ($1, $2, $3, $4)
ON CONFLICT (product_id, currency) DO UPDATE SET price_minor = $3, compare_at_minor = $4 RETURNING id
"""
_UNLIST = "DELETE FROM product_price WHERE product_id = $1 AND currency = $2 RETURNING id"
_TOUCH = "UPDATE product SET updated_at = $2, version = version + 1 WHERE id = $1"


class Keep(Enum):
    """Says of a field which could also become empty that it stays as it is."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to be; `sku` None asks for one to be made up. `price_list` has prices in further currencies."""

    sku: str | None
    name: str
    description: str | None
    price: Price
    weight_grams: int
    on_hand: int
    category_id: UUID | None
    status: ProductStatus = ProductStatus.ACTIVE
    price_list: Sequence[Price] = ()


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """What to change; None or KEEP leaves a field as it is. Prices are (minor units, currency)."""

    name: str | None = None
    description: str | Keep | None = KEEP
    price: tuple[int, str] | None = None
    compare_at: tuple[int, str] | Keep | None = KEEP
    weight_grams: int | None = None
    category_id: UUID | Keep | None = KEEP
    status: ProductStatus | None = None


@dataclass(frozen=True, slots=True)
class Editing:
    database: Database
    clock: Clock
    idempotently: Idempotently

    async def create(self, actor: str, product: NewProduct, key: str | None) -> UUID:
        """Id of the new product. Raises InvalidInput, NotFound (category), DuplicateSku, IdempotencyConflictedError."""

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            return {"id": str(await self._insert(connection, actor, product))}

        answer = await self.idempotently.run("productCreate", actor, key, asdict(product), effect)
        return UUID(answer["id"])

    async def update(self, product_id: UUID, changes: ProductChanges, expected_version: int | None) -> None:
        """Raises NotFound, InvalidInput, StaleVersion. Without an expected version the last writer wins."""
        async with self.database.transaction() as connection:
            row = await _locked(connection, product_id, expected_version)
            if isinstance(changes.category_id, UUID):
                await _check_category(connection, changes.category_id)
            values = _changed(row, changes)
            await fetch(connection, _UPDATE, [*values, self.clock.now()])
            if changes.price is not None and changes.price[1] != row["currency"]:
                await fetch(connection, _UNLIST, [product_id, changes.price[1]])

    async def set_price(self, product_id: UUID, price: Price, expected_version: int | None) -> None:
        """The product's price in a further currency, new or changed. Raises NotFound, InvalidInput, StaleVersion."""
        check_price(price.price_minor)
        check_compare_at(price)
        async with self.database.transaction() as connection:
            row = await _locked(connection, product_id, expected_version)
            if row["currency"] == price.currency:
                raise InvalidInput("That is the product's own currency: update the product.", ["price"])
            await fetch(connection, _LIST, [product_id, price.currency, price.price_minor, price.compare_at_minor])
            (listed,) = await fetch(
                connection, "SELECT count(*) AS n FROM product_price WHERE product_id = $1", [product_id]
            )
            if listed["n"] >= PRICE_COUNT_MAX:
                raise InvalidInput(f"A product has prices in at most {PRICE_COUNT_MAX} currencies.", ["price"])
            await fetch(connection, _TOUCH, [product_id, self.clock.now()])

    async def remove_price(self, product_id: UUID, currency: str, expected_version: int | None) -> None:
        """From now on it is not sold in that currency; orders placed keep their price. Raises as `set_price`."""
        async with self.database.transaction() as connection:
            await _locked(connection, product_id, expected_version)
            if not await fetch(connection, _UNLIST, [product_id, currency]):
                raise NotFound("The list has no price in that currency.", ["currency"])
            await fetch(connection, _TOUCH, [product_id, self.clock.now()])

    async def _insert(self, connection: SqlConnection, actor: str, product: NewProduct) -> UUID:
        product_id = uuid7()
        suffix = format_id(PRODUCT_PREFIX, product_id)[-10:]
        sku, name = check_sku(product.sku or f"P-{suffix}"), check_name(product.name)
        _check_new(product)
        if product.category_id is not None:
            await _check_category(connection, product.category_id)
        for slug in (slugify(name), f"{slugify(name)}-{suffix}"):
            values = [product_id, sku, slug, name, *self._values(product), uuid7(), actor, *_list_values(product)]
            if await fetch(connection, _INSERT, values):
                return product_id
            taken = await fetch(connection, "SELECT id FROM product WHERE sku = $1", [sku])
            if taken:
                existing_id = format_id(PRODUCT_PREFIX, taken[0]["id"])
                raise DuplicateSku(f"The SKU {sku} is taken.", ["sku"], existing_id)
        raise InvalidInput("Products of this name are being created too fast.", ["name"])

    def _values(self, product: NewProduct) -> list[object]:
        """$5 to $14 of `_INSERT`."""
        return [
            product.description,
            product.status.value,
            product.price.price_minor,
            product.price.currency,
            product.price.compare_at_minor,
            product.weight_grams,
            product.category_id,
            self.clock.now(),
            product.on_hand,
            LOW_STOCK_THRESHOLD_DEFAULT,
        ]


def _list_values(product: NewProduct) -> list[object]:
    listed = product.price_list
    return [
        [price.currency for price in listed],
        [price.price_minor for price in listed],
        [price.compare_at_minor for price in listed],
    ]


def _check_new(product: NewProduct) -> None:
    if not 0 <= product.on_hand <= QUANTITY_MAX:
        raise InvalidInput(f"The inventory is between 0 and {QUANTITY_MAX}.", ["inventory"])
    if product.status is ProductStatus.ARCHIVED:
        raise InvalidInput("A new product is a draft or active.", ["status"])
    check_description(product.description)
    check_weight(product.weight_grams)
    prices = [product.price, *product.price_list]
    for price in prices:
        check_price(price.price_minor)
        check_compare_at(price)
    if len({price.currency for price in prices}) != len(prices) or len(prices) > PRICE_COUNT_MAX:
        raise InvalidInput("A product has one price per currency.", ["prices"])


async def _locked(connection: SqlConnection, product_id: UUID, expected_version: int | None) -> Row:
    rows = await fetch(connection, "SELECT * FROM product WHERE id = $1 FOR UPDATE", [product_id])
    if not rows:
        raise NotFound("There is no such product.", ["id"])
    if expected_version is not None and rows[0]["version"] != expected_version:
        raise StaleVersion("The product has changed meanwhile.", ["expectedVersion"], rows[0]["version"])
    return rows[0]


async def _check_category(connection: SqlConnection, category_id: UUID) -> None:
    if not await fetch(connection, "SELECT 1 FROM category WHERE id = $1 FOR KEY SHARE", [category_id]):
        raise NotFound("There is no such category.", ["categoryId"])


def _changed(row: Mapping[str, Any], changes: ProductChanges) -> list[object]:
    """$1 to $10 of `_UPDATE`: the row with the changes in it."""
    status = ProductStatus(row["status"])
    if changes.status is not None:
        check_status_change(status, changes.status)
        status = changes.status
    price = _changed_price(row, changes)
    weight = row["weight_grams"] if changes.weight_grams is None else changes.weight_grams
    check_weight(weight)
    return [
        row["id"],
        row["version"],
        row["name"] if changes.name is None else check_name(changes.name),
        row["description"] if changes.description is KEEP else check_description(changes.description),
        price.price_minor,
        price.currency,
        price.compare_at_minor,
        weight,
        row["category_id"] if changes.category_id is KEEP else changes.category_id,
        status.value,
    ]


def _changed_price(row: Mapping[str, Any], changes: ProductChanges) -> Price:
    """A new price that is no reduction any more, or in another currency, ends the reduction unless told otherwise."""
    minor, currency = changes.price or (row["price_minor"], row["currency"])
    check_price(minor)
    if changes.compare_at is KEEP:
        before = row["compare_at_minor"]
        is_reduced = before is not None and currency == row["currency"] and before > minor
        return Price(minor, currency, before if is_reduced else None)
    if changes.compare_at is None:
        return Price(minor, currency)
    if changes.compare_at[1] != currency:
        raise InvalidInput("Both prices are in one currency.", ["compareAtPrice"])
    price = Price(minor, currency, changes.compare_at[0])
    check_compare_at(price)
    return price

"""Reading the catalogue: every function is one statement, and a product always comes with its stock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.subgraph.database import Database, Row
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from subgraphs.products.domain import Product, ProductSort, ProductStatus

_COLUMNS = """p.id, p.sku, p.name, p.slug, p.description, p.status, p.price_minor, p.currency, p.compare_at_minor,
    p.weight_grams, p.category_id, p.version, p.created_at, p.updated_at, s.on_hand, s.reserved,
    s.low_stock_threshold"""
_PRODUCT = f"SELECT {_COLUMNS} FROM product p JOIN stock s ON s.product_id = p.id"

_ID = SortColumn("id", "uuid")
#: ids are UUIDv7, so the newest product has the greatest id
KEYSETS: Mapping[ProductSort, Keyset] = {
    ProductSort.NEWEST: Keyset("newest", (_ID,), is_descending=True),
    ProductSort.PRICE_ASC: Keyset("price", (SortColumn("price_minor", "bigint"), _ID)),
    ProductSort.PRICE_DESC: Keyset("price", (SortColumn("price_minor", "bigint"), _ID), is_descending=True),
    ProductSort.NAME_ASC: Keyset("name", (SortColumn("name", "text"), _ID)),
}


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """What a list of products is narrowed to; None does not narrow. Prices are in minor units of `currency`."""

    statuses: tuple[ProductStatus, ...]
    category_id: UUID | None = None
    currency: str | None = None
    price_min_minor: int | None = None
    price_max_minor: int | None = None
    in_stock: bool | None = None
    query: str | None = None
    ids: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Queries on products."""

    database: Database

    async def products_by(self, column: str, values: Sequence[object]) -> list[Product]:
        """Products whose `column` (id, sku or slug) is one of the values, in no order, whatever their status."""
        rows = await self.database.fetch(f"{_PRODUCT} WHERE p.{_KEYS[column]}", [list(values)])
        return [product_of(row) for row in rows]

    async def page(self, wanted: ProductFilter, request: PageRequest) -> Page[Row]:
        conditions, parameters = _conditions(wanted)
        clauses = request.clauses(len(parameters) + 1, "p")
        where = " AND ".join([*conditions, clauses.where])
        sql = f"{_PRODUCT} WHERE {where} ORDER BY {clauses.order_by} LIMIT {clauses.limit}"
        return cut_page(request, await self.database.fetch(sql, [*parameters, *clauses.parameters]))

    async def pages_of_categories(self, category_ids: Sequence[UUID], request: PageRequest) -> dict[UUID, Page[Row]]:
        """The same page of active products for each category, in one statement."""
        clauses = request.clauses(2, "p")
        sql = f"""SELECT page.* FROM unnest($1::uuid[]) AS c(id) CROSS JOIN LATERAL (
                {_PRODUCT} WHERE p.category_id = c.id AND p.status = 'ACTIVE' AND {clauses.where}
                ORDER BY {clauses.order_by} LIMIT {clauses.limit}) AS page"""
        rows_by_category: dict[UUID, list[Row]] = {category_id: [] for category_id in category_ids}
        for row in await self.database.fetch(sql, [list(category_ids), *clauses.parameters]):
            rows_by_category[row["category_id"]].append(row)
        return {category_id: cut_page(request, rows) for category_id, rows in rows_by_category.items()}


_KEYS: Mapping[str, str] = {
    "id": "id = ANY($1::uuid[])",
    "sku": "sku = ANY($1::text[])",
    "slug": "slug = ANY($1::text[])",
}


def _conditions(wanted: ProductFilter) -> tuple[list[str], list[object]]:
    """SQL conditions with placeholders from $1, and their values."""
    conditions = ["p.status = ANY($1::text[])"]
    parameters: list[object] = [[status.value for status in wanted.statuses]]

    def narrow(sql: str, value: object) -> None:
        if value is not None:
            parameters.append(value)
            conditions.append(sql.format(f"${len(parameters)}"))

    narrow("p.category_id = {}", wanted.category_id)
    narrow("p.currency = {}", wanted.currency)
    narrow("p.price_minor >= {}", wanted.price_min_minor)
    narrow("p.price_minor <= {}", wanted.price_max_minor)
    narrow("(s.on_hand > s.reserved) = {}", wanted.in_stock)
    narrow("p.search @@ websearch_to_tsquery('english', {})", wanted.query)
    narrow("p.id = ANY({}::uuid[])", None if wanted.ids is None else list(wanted.ids))
    return conditions, parameters


def product_of(row: Row) -> Product:
    return Product(
        id=row["id"],
        sku=row["sku"],
        name=row["name"],
        slug=row["slug"],
        description=row["description"],
        status=ProductStatus(row["status"]),
        price_minor=row["price_minor"],
        currency=row["currency"],
        compare_at_minor=row["compare_at_minor"],
        weight_grams=row["weight_grams"],
        category_id=row["category_id"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        on_hand=row["on_hand"],
        reserved=row["reserved"],
        low_stock_threshold=row["low_stock_threshold"],
    )

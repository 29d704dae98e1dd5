"""Reading the catalogue: every function is one statement, and a product always comes with its stock and its prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from common.subgraph.database import Database, Row
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from subgraphs.products.domain.catalogue import Product, ProductSort, ProductStatus
from subgraphs.products.service.search import hits, likeness_of

_COLUMNS = """p.id, p.sku, p.name, p.slug, p.description, p.status, p.price_minor, p.currency, p.compare_at_minor,
    p.weight_grams, p.category_id, p.version, p.created_at, p.updated_at, s.on_hand, s.reserved,
    s.low_stock_threshold,
    (SELECT json_object_agg(f.currency, json_build_array(f.price_minor, f.compare_at_minor))::text
     FROM product_price f WHERE f.product_id = p.id) AS price_list"""
_PRODUCT = f"SELECT {_COLUMNS} FROM product p JOIN stock s ON s.product_id = p.id"

_ID = SortColumn("id", "uuid")
#: in the currency of the list
_PRICE = SortColumn("shown_minor", "bigint")
#: ids are UUIDv7, so the newest product has the greatest id
KEYSETS: Mapping[ProductSort, Keyset] = {
    ProductSort.RELEVANCE: Keyset("relevance", (SortColumn("rank", "bigint"), _ID), is_descending=True),
    ProductSort.NEWEST: Keyset("newest", (_ID,), is_descending=True),
    ProductSort.PRICE_ASC: Keyset("price", (_PRICE, _ID)),
    ProductSort.PRICE_DESC: Keyset("price", (_PRICE, _ID), is_descending=True),
    ProductSort.NAME_ASC: Keyset("name", (SortColumn("name", "text"), _ID)),
}
#: more are not counted: nobody pages that far, and counting costs as much as reading
COUNT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """What a list of products is narrowed to; None does not narrow. Prices are in minor units of `currency`.

    With a currency the list has what is sold in it, and its prices are those that count.
    """

    #: None: what the caller may not see, so nothing
    status: ProductStatus | None
    category_ids: tuple[UUID, ...] | None = None
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
        found = _search(wanted)
        clauses = request.clauses(len(found.parameters) + 1, "p")
        sql = f"""{found.with_hits} SELECT * FROM (SELECT {_COLUMNS}, {found.rank} AS rank, {found.shown} AS shown_minor
            {found.tables} WHERE {found.where}) AS p
            WHERE {clauses.where} ORDER BY {clauses.order_by} LIMIT {clauses.limit}"""
        return cut_page(request, await self.database.fetch(sql, [*found.parameters, *clauses.parameters]))

    async def count(self, wanted: ProductFilter) -> int | None:
        """How many there are; None for more than 10,000."""
        found = _search(wanted)
        sql = f"""{found.with_hits} SELECT count(*) AS n FROM (
            SELECT {found.tables} WHERE {found.where} LIMIT {COUNT_MAX + 1}) AS counted"""
        (row,) = await self.database.fetch(sql, found.parameters)
        count: int = row["n"]
        return count if count <= COUNT_MAX else None

    async def pages_of_categories(
        self, categories: Mapping[UUID, Sequence[UUID]], request: PageRequest
    ) -> dict[UUID, Page[Row]]:
        """The same page of active products for each category, in one statement; `categories` says which ones count as
        in it, itself included."""
        clauses = request.clauses(3, "p")
        pairs = [(top, member) for top, members in categories.items() for member in members]
        sql = f"""SELECT c.top, page.* FROM (
                SELECT top, array_agg(member) AS members FROM unnest($1::uuid[], $2::uuid[]) AS pair(top, member)
                GROUP BY top) AS c
            CROSS JOIN LATERAL (
                {_PRODUCT} WHERE p.category_id = ANY(c.members) AND p.status = 'ACTIVE' AND {clauses.where}
                ORDER BY {clauses.order_by} LIMIT {clauses.limit}) AS page"""
        rows_by_category: dict[UUID, list[Row]] = {top: [] for top in categories}
        tops, members = [top for top, _ in pairs], [member for _, member in pairs]
        for row in await self.database.fetch(sql, [tops, members, *clauses.parameters]):
            rows_by_category[row["top"]].append(row)
        return {top: cut_page(request, rows) for top, rows in rows_by_category.items()}

    async def counts_of_categories(self, categories: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, int]:
        """How many active products are in each; `categories` as above."""
        pairs = [(top, member) for top, members in categories.items() for member in members]
        rows = await self.database.fetch(
            """SELECT top, count(p.id) AS n FROM unnest($1::uuid[], $2::uuid[]) AS pair(top, member)
                   LEFT JOIN product p ON p.category_id = member AND p.status = 'ACTIVE'
               GROUP BY top""",
            [[top for top, _ in pairs], [member for _, member in pairs]],
        )
        return {row["top"]: row["n"] for row in rows}


_KEYS: Mapping[str, str] = {
    "id": "id = ANY($1::uuid[])",
    "sku": "sku = ANY($1::text[])",
    "slug": "slug = ANY($1::text[])",
}


@dataclass(slots=True)
class _Search:
    """A filter as SQL: what is found, with placeholders from $1."""

    parameters: list[object] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    with_hits: str = ""
    rank: str = "0::bigint"
    #: the price that counts, in minor units
    shown: str = "p.price_minor"
    tables: str = "FROM product p JOIN stock s ON s.product_id = p.id"

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions)

    def placeholder(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"

    def narrow(self, condition: str, value: object) -> None:
        if value is not None:
            self.conditions.append(condition.format(self.placeholder(value)))


def _search(wanted: ProductFilter) -> _Search:
    found = _Search()
    # one status, not a list of them: only so is the order of an index the order of the page
    status = found.placeholder(wanted.status.value if wanted.status else None)
    found.conditions.append(f"p.status = {status}")
    if wanted.query is not None:
        words, likeness = found.placeholder(wanted.query), found.placeholder(likeness_of(wanted.query))
        found.with_hits = f"WITH {hits(words, likeness, status)}"
        found.tables += " JOIN hit h ON h.id = p.id"
        found.rank = "h.rank"
    if wanted.currency is not None:
        currency = found.placeholder(wanted.currency)
        # its own price wins, should the list have one in the same currency
        found.tables += f""" LEFT JOIN product_price f
            ON f.product_id = p.id AND f.currency = {currency} AND p.currency <> {currency}"""
        found.conditions.append(f"(p.currency = {currency} OR f.currency IS NOT NULL)")
        found.shown = "coalesce(f.price_minor, p.price_minor)"
    found.narrow("p.category_id = ANY({}::uuid[])", None if wanted.category_ids is None else list(wanted.category_ids))
    found.narrow(found.shown + " >= {}", wanted.price_min_minor)
    found.narrow(found.shown + " <= {}", wanted.price_max_minor)
    found.narrow("(s.on_hand > s.reserved) = {}", wanted.in_stock)
    found.narrow("p.id = ANY({}::uuid[])", None if wanted.ids is None else list(wanted.ids))
    return found


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
        price_list=row["price_list"],
        weight_grams=row["weight_grams"],
        category_id=row["category_id"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        on_hand=row["on_hand"],
        reserved=row["reserved"],
        low_stock_threshold=row["low_stock_threshold"],
    )

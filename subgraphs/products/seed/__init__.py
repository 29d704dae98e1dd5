"""The demo catalogue: 40 categories and 1,000 products with stock and prices in dollars, euros and yen, the same on
every machine. Nothing is random.

A product is a kind of thing (with its usual price and weight) in one of the lines its category is made in; price,
weight and stock follow from its number. Running it again changes nothing, whatever was sold meanwhile; products from
before there were price lists get theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from common.settings import SubgraphSettings
from common.subgraph.app import migrated_database
from common.subgraph.database import fetch
from subgraphs.products.app import NAME
from subgraphs.products.domain.catalogue import Price
from subgraphs.products.domain.fields import slugify
from subgraphs.products.seed.goods import DEPARTMENTS, Department

PRODUCT_COUNT = 1000
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_LARGE_PRIME = 7919

_CATEGORIES = """
INSERT INTO category (id, slug, name, position, parent_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::uuid[]) ON CONFLICT DO NOTHING
"""
_PRODUCTS = """
WITH made AS (
    INSERT INTO product (id, sku, slug, name, description, status, price_minor, currency, compare_at_minor,
        weight_grams, category_id, created_at, updated_at)
    SELECT id, sku, slug, name, description, 'ACTIVE', price_minor, 'USD', compare_at_minor, weight_grams, category_id,
        created_at, created_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::int[],
        $9::uuid[], $10::timestamptz[])
        AS p(id, sku, slug, name, description, price_minor, compare_at_minor, weight_grams, category_id, created_at)
    ON CONFLICT DO NOTHING RETURNING id, created_at
), stocked AS (
    INSERT INTO stock (product_id, on_hand)
    SELECT made.id, s.on_hand FROM made JOIN unnest($1::uuid[], $11::int[]) AS s(id, on_hand) USING (id)
)
INSERT INTO stock_movement (id, product_id, reason, delta, actor, created_at)
SELECT m.movement_id, made.id, 'INITIAL', m.on_hand, 'system:seed', made.created_at
FROM made JOIN unnest($1::uuid[], $12::uuid[], $11::int[]) AS m(id, movement_id, on_hand) USING (id) WHERE m.on_hand > 0
"""

# where there is a list already, staff may have taken a currency off it
_PRICES = """
INSERT INTO product_price (product_id, currency, price_minor, compare_at_minor)
SELECT l.* FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])
    AS l(product_id, currency, price_minor, compare_at_minor)
    JOIN product p ON p.id = l.product_id AND p.currency = 'USD'
WHERE NOT EXISTS (SELECT FROM product_price f WHERE f.product_id = l.product_id)
"""


@dataclass(frozen=True, slots=True)
class DemoCategory:
    id: UUID
    slug: str
    name: str
    position: int
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """Amounts in US cents."""

    id: UUID
    movement_id: UUID
    sku: str
    name: str
    description: str
    price_minor: int
    compare_at_minor: int | None
    weight_grams: int
    on_hand: int
    category_id: UUID
    created_at: datetime

    def price_list(self) -> list[Price]:
        """In euros, ending as the price in dollars does; in yen, in full tens."""
        before = self.compare_at_minor
        return [
            Price(_euro_cents(self.price_minor), "EUR", None if before is None else _euro_cents(before)),
            Price(_yen(self.price_minor), "JPY", None if before is None else _yen(before)),
        ]


def demo_categories() -> list[DemoCategory]:
    """Departments first, then their categories."""
    parents = [
        DemoCategory(_uuid(0, 1, index), slugify(department.name), department.name, index, None)
        for index, department in enumerate(DEPARTMENTS)
    ]
    children = [
        DemoCategory(
            _uuid(0, 2, 100 * index + position), slugify(kind.plural), kind.plural, position, parents[index].id
        )
        for index, department in enumerate(DEPARTMENTS)
        for position, kind in enumerate(department.kinds)
    ]
    return parents + children


def demo_products() -> list[DemoProduct]:
    """1,000 of them, of all categories in turn, the oldest first."""
    return list(_products())


def _products() -> Iterator[DemoProduct]:
    kinds = [
        (department, kind, _uuid(0, 2, 100 * index + position))
        for index, department in enumerate(DEPARTMENTS)
        for position, kind in enumerate(department.kinds)
    ]
    for number in range(PRODUCT_COUNT):
        department, kind, category_id = kinds[number % len(kinds)]
        turn = number // len(kinds)
        line, finish = _variant(department, turn)
        # a fixed scatter of 60 % to 160 % of the usual price, ending in 99 or 49 cents
        scatter = (number * _LARGE_PRIME) % 101
        price_minor = max(1, kind.price * (60 + scatter) // 100) * 100 - (1 if scatter % 3 else 51)
        yield DemoProduct(
            id=_uuid(number, 3, number),
            movement_id=_uuid(number, 4, number),
            sku=f"{kind.code}-{number:04d}",
            name=f"{line} {finish} {kind.singular}",
            description=f"{kind.text} From our {line} line, in {finish.lower()}. {department.promise}",
            price_minor=price_minor,
            compare_at_minor=price_minor * 5 // 4 if number % 9 == 0 else None,
            weight_grams=kind.grams * (80 + scatter % 41) // 100,
            on_hand=0 if number % 50 == 49 else 3 if number % 20 == 7 else 20 + scatter * 2,
            category_id=category_id,
            created_at=_EPOCH + timedelta(minutes=number),
        )


def _euro_cents(cents: int) -> int:
    """92 cents a dollar, to the next full euro, less what the dollars are less."""
    less = -cents % 100
    return max(1, -((cents + less) * 92 // -10_000)) * 100 - less


def _yen(cents: int) -> int:
    """150 yen a dollar."""
    return max(1, round(cents * 150 / 1000)) * 10


def _variant(department: Department, turn: int) -> tuple[str, str]:
    """Line and finish of the `turn`-th product of a kind: no pair comes twice in 25 turns."""
    return department.lines[turn % 5], department.finishes[(turn // 5 + turn) % 5]


def _uuid(minute: int, kind: int, number: int) -> UUID:
    """A UUIDv7 of `minute` after 2026-01-01, so that ids sort as the products were added."""
    milliseconds = int((_EPOCH + timedelta(minutes=minute)).timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | kind << 64 | 0b10 << 62 | number)


async def seed(settings: SubgraphSettings | None = None, *, database_name: str = "") -> None:
    """Creates and migrates the database if need be, and adds what is missing of the catalogue: three statements."""
    settings = settings or SubgraphSettings()  # type: ignore[call-arg]  # from the environment
    categories, products = demo_categories(), demo_products()
    prices = [(product.id, price) for product in products for price in product.price_list()]
    slugs = [f"{slugify(product.name)}-{product.sku.lower()}" for product in products]
    async with (
        migrated_database(NAME, settings, database_name=database_name) as database,
        database.transaction() as connection,
    ):
        await fetch(
            connection,
            _CATEGORIES,
            [
                [category.id for category in categories],
                [category.slug for category in categories],
                [category.name for category in categories],
                [category.position for category in categories],
                [category.parent_id for category in categories],
            ],
        )
        await fetch(
            connection,
            _PRODUCTS,
            [
                [product.id for product in products],
                [product.sku for product in products],
                slugs,
                [product.name for product in products],
                [product.description for product in products],
                [product.price_minor for product in products],
                [product.compare_at_minor for product in products],
                [product.weight_grams for product in products],
                [product.category_id for product in products],
                [product.created_at for product in products],
                [product.on_hand for product in products],
                [product.movement_id for product in products],
            ],
        )
        await fetch(
            connection,
            _PRICES,
            [
                [product_id for product_id, _ in prices],
                [price.currency for _, price in prices],
                [price.price_minor for _, price in prices],
                [price.compare_at_minor for _, price in prices],
            ],
        )

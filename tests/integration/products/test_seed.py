"""The demo catalogue."""

import pytest

from common.settings import SubgraphSettings
from common.subgraph.app import migrated_database
from subgraphs.products.seed import demo_products, seed
from tests.kit.subgraph import fresh_database_name, settings_of

pytestmark = pytest.mark.anyio


async def test_seeding_twice_leaves_a_thousand_products_whose_stock_adds_up(postgres_url: str, nats_url: str) -> None:
    settings = SubgraphSettings(**settings_of(postgres_url, nats_url))
    name = fresh_database_name("products")
    for _ in range(2):
        await seed(settings, database_name=name)
    async with migrated_database("products", settings, database_name=name) as database:
        (counted,) = await database.fetch(
            """SELECT count(*) AS products, count(*) FILTER (WHERE on_hand = 0) AS empty, sum(on_hand)::int AS units,
                   (SELECT sum(delta)::int FROM stock_movement) AS moved,
                   (SELECT count(*) FROM category WHERE parent_id IS NOT NULL) AS categories,
                   (SELECT count(*) FROM product_price WHERE currency IN ('EUR', 'JPY')) AS prices
               FROM product p JOIN stock s ON s.product_id = p.id"""
        )
    assert counted == {
        "products": 1000,
        "empty": 20,
        "units": sum(product.on_hand for product in demo_products()),
        "moved": counted["units"],
        "categories": 40,
        "prices": 2000,
    }


def test_the_catalogue_is_believable() -> None:
    products = demo_products()
    assert len({product.name for product in products}) == len({product.sku for product in products}) == 1000
    assert all(300 <= product.price_minor <= 60_000 for product in products)
    assert {price.currency for product in products for price in product.price_list()} == {"EUR", "JPY"}
    for product in products:
        euros, yen = product.price_list()
        assert euros.price_minor % 100 == product.price_minor % 100
        assert 0.9 < euros.price_minor / product.price_minor < 1.2
        assert abs(yen.price_minor - product.price_minor * 1.5) <= 5
    assert all(20 <= product.weight_grams <= 25_000 for product in products)

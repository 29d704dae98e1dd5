"""Stock is never sold twice, whatever happens at once."""

import asyncio
import random
from uuid import UUID

import pytest
from tortoise.exceptions import IntegrityError

from common.ids import uuid7
from subgraphs.products.domain.reservations import RefusalCode, Reservation, ReservationRefusal
from tests.integration.products.shelf import Shelf

pytestmark = pytest.mark.anyio


async def test_three_hundred_buyers_at_once_get_exactly_the_hundred_units_there_are(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=100)
    outcomes = await asyncio.gather(*(shelf.reserve(uuid7(), {product_id: 1}) for _ in range(300)))
    sold = [outcome for outcome in outcomes if isinstance(outcome, Reservation)]
    assert len(sold) == 100
    assert await shelf.stock(product_id) == (100, 100)
    await shelf.check_laws()


async def test_carts_of_many_products_neither_deadlock_nor_come_apart(shelf: Shelf) -> None:
    product_ids = [await shelf.add(stock=60) for _ in range(8)]
    chance = random.Random(7)  # noqa: S311 - repeatable
    carts = [dict.fromkeys(chance.sample(product_ids, 5), chance.randint(1, 3)) for _ in range(120)]
    outcomes = await asyncio.gather(*(shelf.reserve(uuid7(), cart) for cart in carts))
    granted = [outcome for outcome in outcomes if isinstance(outcome, Reservation)]
    assert 20 < len(granted) < 120
    lines = await shelf.database.fetch("SELECT count(*) AS n FROM reservation GROUP BY order_id")
    assert [row["n"] for row in lines] == [5] * len(granted)
    await shelf.check_laws()


async def test_one_order_that_asks_twenty_times_at_once_is_held_once(shelf: Shelf) -> None:
    product_id, order_id = await shelf.add(stock=50), uuid7()
    outcomes = await asyncio.gather(*(shelf.reserve(order_id, {product_id: 2}) for _ in range(20)))
    promised = [outcome.lines for outcome in outcomes if isinstance(outcome, Reservation)]
    assert promised == [promised[0]] * 20
    assert await shelf.stock(product_id) == (50, 2)


async def test_a_repetition_is_promised_the_first_price_although_it_has_changed(shelf: Shelf) -> None:
    product_id, order_id = await shelf.add(stock=5), uuid7()
    first = await shelf.reserve(order_id, {product_id: 1})
    await shelf.database.fetch("UPDATE product SET price_minor = 2000 WHERE id = $1", [product_id])
    second = await shelf.reserve(order_id, {product_id: 1})
    assert isinstance(first, Reservation)
    assert isinstance(second, Reservation)
    assert second.lines == first.lines
    assert second.lines[0].unit_price_minor == 1000


async def test_a_refusal_names_the_lines_to_blame_and_holds_nothing(shelf: Shelf) -> None:
    plenty, scarce = await shelf.add(stock=10), await shelf.add(stock=1)
    refused = await shelf.reserve(uuid7(), {plenty: 1, scarce: 2})
    assert isinstance(refused, ReservationRefusal)
    assert refused.code is RefusalCode.INSUFFICIENT_STOCK
    assert [(line.wanted.product_id, line.wanted.quantity, line.available) for line in refused.lines] == [
        (scarce, 2, 1)
    ]
    assert await shelf.stock(plenty) == (10, 0)


@pytest.mark.parametrize(
    ("change", "expected_minor", "code"),
    [
        ("UPDATE product SET price_minor = 1200 WHERE id = $1", 1000, RefusalCode.PRICE_CHANGED),
        ("UPDATE product SET status = 'ARCHIVED' WHERE id = $1", None, RefusalCode.PRODUCT_NOT_FOUND),
        ("UPDATE product SET currency = 'EUR' WHERE id = $1", None, RefusalCode.CURRENCY_MISMATCH),
    ],
)
async def test_a_product_that_is_not_what_the_buyer_saw_is_not_held(
    shelf: Shelf, change: str, expected_minor: int | None, code: RefusalCode
) -> None:
    product_id = await shelf.add(stock=5)
    await shelf.database.fetch(change, [product_id])
    refused = await shelf.reserve(uuid7(), {product_id: 1}, expected_minor=expected_minor)
    assert isinstance(refused, ReservationRefusal)
    assert refused.code is code
    assert await shelf.stock(product_id) == (5, 0)


async def test_an_expired_reservation_is_swept_once_and_can_be_made_anew(shelf: Shelf) -> None:
    product_id, order_id = await shelf.add(stock=3), uuid7()
    await shelf.reserve(order_id, {product_id: 2})
    assert await shelf.reservations.sweep() == 0
    await shelf.database.fetch("UPDATE reservation SET expires_at = now() - interval '6 seconds'")
    await asyncio.gather(*(shelf.reservations.sweep() for _ in range(4)))
    assert await shelf.stock(product_id) == (3, 0)
    assert await shelf.reservations.commit(order_id) is False
    assert isinstance(await shelf.reserve(order_id, {product_id: 3}), Reservation)
    assert await shelf.reservations.commit(order_id) is True
    assert await shelf.stock(product_id) == (3, 3)
    await shelf.check_laws()


async def test_committing_is_final_for_the_sweeper_but_not_for_a_cancellation(shelf: Shelf) -> None:
    product_id, order_id = await shelf.add(stock=3), uuid7()
    await shelf.reserve(order_id, {product_id: 2})
    assert [await shelf.reservations.commit(order_id) for _ in range(2)] == [True, True]
    await shelf.database.fetch("UPDATE reservation SET expires_at = now() - interval '1 hour'")
    assert await shelf.reservations.sweep() == 0
    await shelf.reservations.release(order_id)
    await shelf.reservations.release(order_id)
    assert await shelf.stock(product_id) == (3, 0)


async def test_stock_adds_up_after_any_mixture_of_everything(shelf: Shelf) -> None:
    chance = random.Random(11)  # noqa: S311 - repeatable
    product_ids = [await shelf.add(stock=20) for _ in range(4)]
    carts = {uuid7(): dict.fromkeys(chance.sample(product_ids, 2), chance.randint(1, 4)) for _ in range(60)}

    async def act(order_id: UUID) -> None:
        for _ in range(6):
            match chance.randrange(5):
                case 0 | 1:
                    await shelf.reserve(order_id, carts[order_id])
                case 2:
                    await shelf.reservations.commit(order_id)
                case 3:
                    await shelf.reservations.release(order_id)
                case _:
                    await shelf.database.fetch(
                        "UPDATE reservation SET expires_at = now() - interval '1 hour' WHERE order_id = $1", [order_id]
                    )
                    await shelf.reservations.sweep()

    await asyncio.gather(*(act(order_id) for order_id in carts))
    await shelf.check_laws()


async def test_the_database_itself_refuses_to_oversell(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=1)
    with pytest.raises(IntegrityError, match="stock_never_oversold"):
        await shelf.database.fetch("UPDATE stock SET reserved = 2 WHERE product_id = $1", [product_id])

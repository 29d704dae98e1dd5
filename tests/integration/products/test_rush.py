"""Buyers of one product who come at once are served together, and as fairly as one by one."""

import asyncio
import random
from uuid import UUID

import pytest

from common.ids import uuid7
from common.subgraph.statements import record_statements
from subgraphs.products.domain.reservations import RefusalCode, Reservation, ReservationRefusal, WantedLine
from subgraphs.products.service.rush import Outcome, Rush
from tests.integration.products.shelf import Shelf

pytestmark = pytest.mark.anyio


@pytest.fixture
def rush(shelf: Shelf) -> Rush:
    return Rush(shelf.reservations)


async def ask(
    rush: Rush, product_id: UUID, quantity: int = 1, order_id: UUID | None = None, expected: int | None = None
) -> Outcome:
    lines = [WantedLine(product_id, quantity, expected)]
    return await rush.reserve(order_id or uuid7(), lines, "USD", 900)


async def test_a_thousand_buyers_for_a_hundred_units_take_few_statements_and_get_a_hundred(
    shelf: Shelf, rush: Rush
) -> None:
    product_id = await shelf.add(stock=100)
    with record_statements(shelf.database.observer) as statements:
        outcomes = await asyncio.gather(*(ask(rush, product_id) for _ in range(1000)))
        await asyncio.sleep(0)
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 100
    assert await shelf.stock(product_id) == (100, 100)
    assert sum("WITH want" in statement.text for statement in statements) < 25
    changed = await shelf.database.fetch("SELECT payload ->> 'status' AS status FROM outbox ORDER BY seq")
    assert [row["status"] for row in changed] == ["OUT_OF_STOCK"] or [row["status"] for row in changed] == [
        "LOW_STOCK",
        "OUT_OF_STOCK",
    ]
    assert rush._queues == {}
    await shelf.check_laws()


async def test_one_who_wants_too_much_does_not_stop_those_behind(shelf: Shelf, rush: Rush) -> None:
    product_id = await shelf.add(stock=10)
    outcomes = await asyncio.gather(*(ask(rush, product_id, quantity) for quantity in (1, 50, 4, 5)))
    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [True, False, True, True]
    assert isinstance(outcomes[1], ReservationRefusal)
    assert outcomes[1].code is RefusalCode.INSUFFICIENT_STOCK
    assert await shelf.stock(product_id) == (10, 10)


async def test_repetitions_other_prices_and_unknown_products_are_answered_as_if_they_came_alone(
    shelf: Shelf, rush: Rush
) -> None:
    product_id, order_id = await shelf.add(stock=100), uuid7()
    first = await ask(rush, product_id, 3, order_id)
    outcomes = await asyncio.gather(
        ask(rush, product_id),
        ask(rush, product_id, 3, order_id),
        ask(rush, product_id, expected=999),
        *(ask(rush, product_id, 1, order_id) for _ in range(3)),
        *(ask(rush, uuid7()) for _ in range(2)),
    )
    assert outcomes[1] == first
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, ReservationRefusal)]
    assert codes == [RefusalCode.PRICE_CHANGED, RefusalCode.PRODUCT_NOT_FOUND, RefusalCode.PRODUCT_NOT_FOUND]
    assert await shelf.stock(product_id) == (100, 4)


async def test_buyers_who_give_up_while_waiting_leave_nothing_behind_them(shelf: Shelf, rush: Rush) -> None:
    product_id = await shelf.add(stock=1000)
    chance = random.Random(3)  # noqa: S311 - repeatable

    async def impatient() -> bool:
        try:
            async with asyncio.timeout(chance.choice([0.0005, 0.002, 5])):
                return isinstance(await ask(rush, product_id), Reservation)
        except TimeoutError:
            return False

    served = sum(await asyncio.gather(*(impatient() for _ in range(300))))
    _, reserved = await shelf.stock(product_id)
    # whoever gave up in the middle of a statement may have got a reservation, which will expire
    assert 0 < served <= reserved <= 300
    assert rush._queues == {}
    await shelf.check_laws()


async def test_two_processes_together_sell_what_there_is(shelf: Shelf) -> None:
    product_id = await shelf.add(stock=77)
    both = [Rush(shelf.reservations), Rush(shelf.reservations)]
    outcomes = await asyncio.gather(*(ask(both[number % 2], product_id, 1 + number % 3) for number in range(400)))
    sold = sum(outcome.lines[0].quantity for outcome in outcomes if isinstance(outcome, Reservation))
    assert await shelf.stock(product_id) == (77, sold)
    assert sold >= 76
    await shelf.check_laws()

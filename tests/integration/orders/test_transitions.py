"""The table of transitions in code and the guard in the database, written independently, say the same."""

from itertools import pairwise, product
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from common.ids import parse_id
from subgraphs.orders.domain.status import TRANSITIONS, OrderStatus, sources_of
from tests.kit.commerce import Commerce, customer, database_of

pytestmark = pytest.mark.anyio


async def test_the_database_allows_exactly_the_transitions_of_the_table(shop: Commerce) -> None:
    database = database_of(shop.orders)
    order = await shop.placed(customer(), await shop.add_product(stock=100))
    order_id = parse_id("ord", order["id"])
    update = """UPDATE orders SET status = $2::text, version = version + 1,
        cancel_reason = CASE WHEN $2::text = 'CANCELLED' THEN 'STAFF' END WHERE id = $1"""

    async def is_allowed(before: OrderStatus, after: OrderStatus) -> bool:
        async with database.transaction() as connection:
            # the guard is put aside to reach the status to start from
            await connection.execute_query_dict("SET LOCAL session_replication_role = replica")
            await connection.execute_query_dict(update, [order_id, before.value])
            await connection.execute_query_dict("SET LOCAL session_replication_role = origin")
        try:
            await database.fetch(update, [order_id, after.value])
        except IntegrityError as exc:
            assert "cannot go from" in str(exc)  # noqa: PT017 - which of several guards refused
            return False
        return True

    allowed = {
        (before, after)
        for before, after in product(OrderStatus, repeat=2)
        if before is not after and await is_allowed(before, after)
    }
    assert allowed == {(before, after) for before, targets in TRANSITIONS.items() for after in targets}
    assert {(before, after) for after in OrderStatus for before in sources_of(after)} == allowed


@pytest.mark.parametrize(
    "change",
    [
        "number = 'PN-000-000-000', version = version + 1",
        "version = version + 2",
        "total_minor = total_minor + 1, version = version + 1",
        "cancel_reason = 'STAFF', version = version + 1",
    ],
)
async def test_the_database_keeps_what_an_order_must_keep(shop: Commerce, change: str) -> None:
    await shop.placed(customer(), await shop.add_product(stock=1))
    with pytest.raises(IntegrityError):
        await database_of(shop.orders).fetch(f"UPDATE orders SET {change}")  # noqa: S608 - of this test


@pytest.mark.parametrize("statement", ["DELETE FROM order_history", "UPDATE order_history SET actor = 'me'"])
async def test_history_cannot_be_rewritten(shop: Commerce, statement: str) -> None:
    await shop.placed(customer(), await shop.add_product(stock=1))
    with pytest.raises(IntegrityError, match="append-only"):
        await database_of(shop.orders).fetch(statement)


async def test_an_order_cannot_be_born_paid(shop: Commerce) -> None:
    await shop.placed(customer(), await shop.add_product(stock=1))
    copied: dict[str, Any] = (await database_of(shop.orders).fetch("SELECT * FROM orders"))[0]
    columns = [name for name in copied if name not in {"id", "number", "status"}]
    with pytest.raises(IntegrityError, match="cannot be born CONFIRMED"):
        await database_of(shop.orders).fetch(
            f"""INSERT INTO orders (id, number, status, {", ".join(columns)})
                SELECT gen_random_uuid(), 'PN-1', 'CONFIRMED', {", ".join(columns)} FROM orders"""  # noqa: S608 - columns of the table itself
        )


async def test_order_numbers_differ_and_do_not_count_the_orders(shop: Commerce) -> None:
    rows = await database_of(shop.orders).fetch("SELECT new_order_number() AS number FROM generate_series(1, 2000)")
    numbers = [row["number"] for row in rows]
    assert len(set(numbers)) == 2000
    assert all(len(number) == 14 and number.startswith("PN-") for number in numbers)
    counts = [int(number.removeprefix("PN-").replace("-", "")) for number in numbers]
    assert all(abs(later - earlier) > 1 for earlier, later in pairwise(counts))

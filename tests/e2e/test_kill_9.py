"""kill -9 of every process, servers included, in the middle of 200 orders: what was acknowledged is there afterwards
and finishes, what was not can be repeated, no event is lost and no unit sold twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx2
import pytest

from common.settings import database_url_for
from tests.kit.folders import open_folder
from tests.kit.postgres import run_sql
from tests.kit.shop_client import ShopClient, ShopError, customer
from tests.kit.started_shop import StartedShop, started_shop

pytestmark = pytest.mark.anyio

ORDERS = 200
AT_ONCE = 24
#: the kill comes when so many orders are acknowledged, with others at every stage
KILL_AFTER = 70
#: fewer than the hundred that ask for them
SCARCE_UNITS = 40
PLENTY_UNITS = 500
UNPUBLISHED = "outbox WHERE published_at IS NULL"

CREATE = """mutation($input: ProductCreateInput!) {
  productCreate(input: $input) { product { id } errors { __typename ... on UserError { message } } } }"""
INVENTORY = "query($id: ID!) { product(id: $id) { inventory { onHand reserved available } } }"


@dataclass(slots=True)
class Attempt:
    """One customer's order: what the shop has acknowledged of it."""

    number: int
    product_id: str
    quantity: int
    order_id: str = ""
    was_paid: bool = False
    was_sold_out: bool = False

    @property
    def items(self) -> dict[str, int]:
        return {self.product_id: self.quantity}


@dataclass(slots=True)
class Rush:
    """All attempts; `enough` is set when the moment for the kill has come."""

    attempts: list[Attempt]
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def acknowledged(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.order_id]


async def go_on(client: ShopClient, attempt: Attempt) -> None:
    """Place and pay, or repeat both: the keys are the attempt's own, so repeating must change nothing."""
    payload = await client.place(attempt.items, key=f"rush-order-{attempt.number}")
    if payload["order"] is None:
        assert [error["__typename"] for error in payload["errors"]] == ["InsufficientStockError"], payload
        assert not attempt.order_id, "an acknowledged order is gone"
        attempt.was_sold_out = True
        return
    assert attempt.order_id in ("", payload["order"]["id"]), "a repeated order became another one"
    attempt.order_id = payload["order"]["id"]
    if payload["order"]["status"] == "PENDING":  # products did not answer in time
        await client.wait_for_status(attempt.order_id, "AWAITING_PAYMENT")
    payload = await client.pay(attempt.order_id, key=f"rush-payment-{attempt.number}")
    assert payload["errors"] == []
    attempt.was_paid = True


async def rush(client: ShopClient, orders: Rush) -> None:
    """All attempts, some at once. After the kill every request fails; what was acknowledged until then counts."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(attempt: Attempt) -> None:
        async with gate:
            try:
                await go_on(client, attempt)
            # "later" is no acknowledgement; nor is what the router says of dying subgraphs, and these of each other
            except (AssertionError, httpx2.TransportError, ValueError) as error:
                if not (orders.enough.is_set() or (isinstance(error, ShopError) and error.is_retryable)):
                    raise
            if len(orders.acknowledged()) >= KILL_AFTER:
                orders.enough.set()

    async with asyncio.TaskGroup() as tasks:
        for attempt in orders.attempts:
            tasks.create_task(one(attempt))


async def new_product(admin: ShopClient, name: str, units: int) -> str:
    product = {"name": name, "price": {"amount": "12.50", "currency": "USD"}, "inventory": units, "weightGrams": 100}
    payload = (await admin.ask(CREATE, {"input": product}))["productCreate"]
    assert payload["errors"] == []
    return str(payload["product"]["id"])


async def inventory(admin: ShopClient, product_id: str) -> dict[str, int]:
    found: dict[str, int] = (await admin.ask(INVENTORY, {"id": product_id}))["product"]["inventory"]
    return found


@pytest.mark.parametrize("is_split", [False, True], ids=["one process", "a process each"])
async def test_acknowledged_orders_survive_kill_9_of_everything_and_finish(is_split: bool) -> None:
    with open_folder() as folder, started_shop(folder, is_split=is_split) as shop:
        async with customer(shop.url) as admin, customer(shop.url) as alice:
            await admin.log_in("admin@punnet.example", "admin-demo-password")
            await alice.log_in("alice@punnet.example", "alice-demo-password")
            scarce = await new_product(admin, "Scarce", SCARCE_UNITS)
            plenty = await new_product(admin, "Plenty", PLENTY_UNITS)
            orders = Rush([Attempt(n, *((scarce, 1) if n % 2 else (plenty, 2))) for n in range(ORDERS)])

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(rush(alice, orders))
                await orders.enough.wait()
                shop.kill_9()
            acknowledged = [(attempt.number, attempt.order_id) for attempt in orders.acknowledged()]
            assert KILL_AFTER <= len(acknowledged) < ORDERS

            shop.start()
            for attempt in orders.attempts:
                attempt.was_sold_out = False
            gate = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as tasks:
                for attempt in orders.attempts:
                    tasks.create_task(finish(gate, alice, attempt))
            placed = orders.acknowledged()
            assert set(acknowledged) <= {(attempt.number, attempt.order_id) for attempt in placed}
            await asyncio.gather(*(alice.wait_for_status(attempt.order_id, "CONFIRMED") for attempt in placed))

            sold = Counter({scarce: 0, plenty: 0})
            for attempt in placed:
                sold[attempt.product_id] += attempt.quantity
            assert sold == {scarce: SCARCE_UNITS, plenty: ORDERS}
            for product_id, units in ((scarce, SCARCE_UNITS), (plenty, PLENTY_UNITS)):
                left = await inventory(admin, product_id)
                assert left["available"] == units - sold[product_id]
                assert left["onHand"] - left["reserved"] == left["available"]
            await assert_no_event_is_lost(shop, len(placed))


async def finish(gate: asyncio.Semaphore, client: ShopClient, attempt: Attempt) -> None:
    """Repeat what was interrupted. The shop may say "later" while it still holds what the killed process had begun."""
    deadline = time.monotonic() + 120
    while True:
        try:
            async with gate:
                return await go_on(client, attempt)
        except ShopError as error:
            if not error.is_retryable or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.5)


async def assert_no_event_is_lost(shop: StartedShop, confirmed_count: int) -> None:
    """All events reach the bus, none is given up, and each confirmed order made exactly one e-mail."""
    deadline = time.monotonic() + 120
    while unfinished := unfinished_work(shop, confirmed_count):
        assert time.monotonic() < deadline, unfinished
        await asyncio.sleep(0.1)
    assert set(mails_by_order(shop).values()) == {1}


def unfinished_work(shop: StartedShop, confirmed_count: int) -> dict[str, int]:
    """What keeps the shop from being at rest; empty when it is."""
    found = {
        **{f"unpublished events of {name}": count(shop, name, UNPUBLISHED) for name in ("orders", "payments")},
        **{f"dead letters of {name}": count(shop, name, "dead_letter") for name in ("orders", "payments")},
        "dead letters of notifications": count(shop, "notifications", "dead_letter"),
        "confirmed orders without e-mail": confirmed_count - len(mails_by_order(shop)),
    }
    return {what: number for what, number in found.items() if number}


def count(shop: StartedShop, subgraph: str, rows: str) -> int:
    return int(rows_of(shop, subgraph, f"SELECT count(*) FROM {rows}")[0])  # noqa: S608 - our own words


def mails_by_order(shop: StartedShop) -> dict[str, int]:
    """How many e-mails each confirmed order has made."""
    mails = "SELECT order_id FROM notification WHERE channel = 'EMAIL' AND template = 'order_confirmed'"
    return dict(Counter(rows_of(shop, "notifications", mails)))


def rows_of(shop: StartedShop, subgraph: str, query: str) -> list[str]:
    return run_sql(database_url_for(shop.database_url(), f"punnet_{subgraph}"), query).splitlines()

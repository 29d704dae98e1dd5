"""The auditor sees every law broken: in databases of a shop that is in order, one violation is planted at a time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common.ids import format_id
from common.settings import SubgraphSettings, database_url_for
from common.subgraph.app import migrated_database
from deploy.prove.auditor import Auditor, LawBrokenError
from deploy.prove.evidence import SUBGRAPHS, Acknowledged, Evidence, Witness
from deploy.prove.laws import LAWS
from deploy.prove.laws.events import matches
from deploy.prove.ledger import Charge, ProviderLedger
from tests.kit.subgraph import fresh_database_name, settings_of

pytestmark = pytest.mark.anyio

PRODUCT, ORDER, PAYMENT, ATTEMPT, ENTRY, EVENT = (UUID(int=number) for number in range(1, 7))
CHARGE = Charge("pi_1", str(ATTEMPT), False, 2500, 2500, 0, "USD")
CONSUMER = "notifications-on-events"
_DUMMIES: dict[str, Callable[[], Any]] = {
    "uuid": uuid4,
    "text": str,
    "character varying": str,
    "bytea": bytes,
    "boolean": bool,
    "jsonb": lambda: "{}",
}


@dataclass(slots=True)
class World:
    """The databases by name, what the provider says, what clients were told."""

    databases: dict[str, asyncpg.Connection]
    evidence: Evidence
    charges: list[Charge] = field(default_factory=list)

    async def insert(self, subgraph: str, table: str, **values: Any) -> None:
        """A row; columns that must have a value and are not given get an empty one."""
        connection = self.databases[subgraph]
        needed = await connection.fetch(
            """SELECT column_name AS name, data_type AS type FROM information_schema.columns
               WHERE table_schema = 'public' AND table_name = $1 AND is_nullable = 'NO' AND column_default IS NULL
                   AND is_identity = 'NO' AND is_generated = 'NEVER'""",
            table,
        )
        row = {column["name"]: _empty(column["type"]) for column in needed} | values
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())  # noqa: S608

    async def begin_anew(self) -> None:
        """One product, ten units; two of them in an order that is paid and confirmed."""
        for connection in self.databases.values():
            rows = await connection.fetch(
                """SELECT quote_ident(tablename) AS t FROM pg_tables
                   WHERE schemaname = 'public' AND tablename NOT LIKE 'tortoise%'"""
            )
            await connection.execute(f"TRUNCATE {', '.join(row['t'] for row in rows)}")
        self.charges[:] = [CHARGE]
        await self.insert("products", "product", id=PRODUCT, status="ACTIVE", price_minor=1000, currency="USD", sku="s")
        await self.insert("products", "stock", product_id=PRODUCT, on_hand=10, reserved=2)
        await self.insert("products", "stock_movement", product_id=PRODUCT, reason="INITIAL", delta=10)
        reservation = {"order_id": ORDER, "product_id": PRODUCT, "quantity": 2, "state": "COMMITTED"}
        await self.insert("products", "reservation", **reservation)
        sums = {"subtotal_minor": 2000, "shipping_minor": 300, "tax_minor": 200, "total_minor": 2500}
        await self.insert("orders", "orders", id=ORDER, status="CONFIRMED", version=3, currency="USD", **sums)
        await self.insert("orders", "order_line", order_id=ORDER, product_id=PRODUCT, quantity=2, unit_minor=1000)
        path = ((None, "PENDING"), ("PENDING", "AWAITING_PAYMENT"), ("AWAITING_PAYMENT", "CONFIRMED"))
        for version, (before, after) in enumerate(path, start=1):
            step = {"version": version, "from_status": before, "to_status": after}
            await self.insert("orders", "order_history", order_id=ORDER, **step)
        amounts = {"amount_minor": 2500, "authorized_minor": 2500, "captured_minor": 2500}
        paid = {"order_id": ORDER, "status": "CAPTURED", "provider_ref": CHARGE.reference}
        await self.insert("payments", "payment", id=PAYMENT, **paid, **amounts)
        await self.insert("payments", "payment_attempt", id=ATTEMPT, payment_id=PAYMENT, state="AUTHORIZED")
        for account, amount in (("PROVIDER_BALANCE", 2500), ("SALES", -2500)):
            posting = {"entry_id": ENTRY, "payment_id": PAYMENT, "account": account, "amount_minor": amount}
            await self.insert("payments", "ledger_posting", **posting, kind="CAPTURE", currency="USD")
        event = {"event_id": EVENT, "type": "orders.order.confirmed", "aggregate_id": "ord_1", "aggregate_version": 3}
        await self.insert("orders", "outbox", **event, published_at=_empty("timestamp with time zone"))
        had = {name: value for name, value in event.items() if name != "type"}
        await self.insert("notifications", "inbox", consumer=CONSUMER, **had)

    async def broken(self) -> set[str]:
        auditor = Auditor(self.evidence)
        await auditor.sample()
        for law in LAWS:
            if law.at_rest is not None:
                auditor.note(law, await law.at_rest(self.evidence))
        return set(auditor.broken)


class KnownConsumers:
    """In the place of the event stream."""

    async def consumers(self) -> dict[str, tuple[str, ...]]:
        return {CONSUMER: ("orders.order.confirmed.*",)}

    async def waiting(self) -> int:
        return 0


def _empty(kind: str) -> Any:
    if kind.startswith("timestamp"):
        return dt.datetime.now(dt.UTC)
    return _DUMMIES.get(kind, int)()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(postgres_url: str) -> AsyncIterator[World]:
    names = {name: fresh_database_name(name) for name in SUBGRAPHS}
    settings = SubgraphSettings(**settings_of(postgres_url, "nats://nobody"))
    for name, database in names.items():
        async with migrated_database(name, settings, database_name=database):
            pass
    urls = {name: database_url_for(postgres_url, database) for name, database in names.items()}
    # triggers of the product would refuse most of what is planted here
    rules = {"session_replication_role": "replica"}
    connections = {name: await asyncpg.connect(url, server_settings=rules) for name, url in urls.items()}
    witnesses = {name: Witness(url) for name, url in urls.items()}
    charges: list[Charge] = []

    async def ledger() -> ProviderLedger:
        return tuple(charges)

    evidence = Evidence(
        **witnesses,
        stream=KnownConsumers(),  # type: ignore[arg-type]  # what the laws ask of it
        read_ledger=ledger,
        acknowledged=Acknowledged(),
    )
    yield World(connections, evidence, charges)
    for witness in witnesses.values():
        await witness.close()
    for connection in connections.values():
        await connection.close()


async def test_a_shop_in_order_breaks_no_law(world: World) -> None:
    await world.begin_anew()
    assert await world.broken() == set()


PLANTED = [
    ("L1", "products", "UPDATE stock SET on_hand = on_hand + 1"),
    ("L1", "products", "UPDATE stock SET reserved = reserved - 1"),
    ("L1", "products", "UPDATE reservation SET shipped = 1"),
    ("L2", "products", "UPDATE reservation SET state = 'RELEASED'"),
    ("L2", "products", "UPDATE reservation SET state = 'HELD'"),
    ("L2", "products", "UPDATE reservation SET order_id = gen_random_uuid()"),
    ("L2", "orders", "UPDATE order_line SET quantity = 3"),
    ("L3", "orders", "UPDATE orders SET status = 'COMPLETED'"),
    ("L3", "orders", "UPDATE order_history SET to_status = 'COMPLETED' WHERE version = 3"),
    ("L3", "orders", "DELETE FROM order_history WHERE version = 2"),
    ("L3", "orders", "DELETE FROM order_history"),
    ("L4", "orders", "UPDATE orders SET status = 'AWAITING_PAYMENT'"),
    ("L4", "payments", "UPDATE payment SET captured_minor = 0"),
    ("L4", "payments", "DELETE FROM payment_attempt"),
    ("L5", "payments", "UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE account = 'SALES'"),
    ("L5", "payments", "DELETE FROM ledger_posting"),
    ("L5", "payments", "UPDATE payment SET dispute_status = 'WON', disputed_minor = 2500, status = 'AUTHORIZED'"),
    ("L5", "payments", "UPDATE payment SET dispute_status = 'OPEN', disputed_minor = 2500"),
    ("L5", "payments", "UPDATE ledger_posting SET account = 'CHARGEBACKS' WHERE account = 'PROVIDER_BALANCE'"),
    ("L4", "payments", "UPDATE payment SET dispute_status = 'LOST', disputed_minor = 2500"),
    ("L6", "orders", "UPDATE order_line SET unit_minor = 999"),
    ("L7", "orders", "UPDATE outbox SET published_at = NULL"),
    ("L7", "notifications", "DELETE FROM inbox"),
]


@pytest.mark.parametrize(("law", "subgraph", "violation"), PLANTED)
async def test_a_planted_violation_is_seen(world: World, law: str, subgraph: str, violation: str) -> None:
    await world.begin_anew()
    await world.databases[subgraph].execute(violation)
    assert law in await world.broken()


CHARGED: dict[str, Callable[[Charge], list[Charge]]] = {
    "twice": lambda charge: [charge, replace(charge, reference="pi_2")],
    "not at all": lambda _: [],
    "too little": lambda charge: [replace(charge, captured_minor=2400)],
    "and given back more than taken": lambda charge: [replace(charge, refunded_minor=2600)],
    "and held again": lambda charge: [charge, replace(charge, reference="pi_2", is_held=True, captured_minor=0)],
    "and disputed without our knowing": lambda charge: [replace(charge, withheld_minor=2500)],
    "by nobody we know": lambda charge: [charge, replace(charge, reference="pi_2", key="unknown")],
}


@pytest.mark.parametrize("how", CHARGED)
async def test_a_wrong_charge_at_the_provider_is_seen(world: World, how: str) -> None:
    await world.begin_anew()
    world.charges[:] = CHARGED[how](CHARGE)
    assert "L4" in await world.broken()


async def test_a_cancelled_order_must_not_stay_charged(world: World) -> None:
    await world.begin_anew()
    await world.databases["orders"].execute("UPDATE orders SET status = 'CANCELLED', cancel_reason = 'STAFF'")
    assert "L4" in await world.broken()


async def test_what_a_bank_has_given_back_need_not_be_given_back_again(world: World) -> None:
    await world.begin_anew()
    for posting, amount in (("PROVIDER_BALANCE", -2500), ("CHARGEBACKS", 2500)):
        row = {"entry_id": EVENT, "payment_id": PAYMENT, "account": posting, "amount_minor": amount}
        await world.insert("payments", "ledger_posting", **row, kind=posting, currency="USD")
    await world.databases["payments"].execute("UPDATE payment SET dispute_status = 'LOST', disputed_minor = 2500")
    await world.databases["orders"].execute("UPDATE orders SET status = 'CANCELLED', cancel_reason = 'STAFF'")
    world.charges[:] = [replace(CHARGE, withheld_minor=2500)]
    assert not await world.broken() & {"L4", "L5"}


async def test_a_dead_letter_is_an_effect_that_is_missing(world: World) -> None:
    await world.begin_anew()
    letter = {"consumer": CONSUMER, "event_id": EVENT, "state": "DEAD", "event": json.dumps({})}
    await world.insert("notifications", "dead_letter", **letter)
    assert await world.broken() == {"L7"}


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("orders", "ord"),
        ("confirmed", "ord"),
        ("payments", "pay"),
        ("refunds", "rfd"),
        ("accounts", "usr"),
        ("erased", "usr"),
    ],
)
async def test_what_was_acknowledged_and_is_gone_is_missed(world: World, kind: str, prefix: str) -> None:
    await world.begin_anew()
    told: set[str] = getattr(world.evidence.acknowledged, kind)
    told.add(format_id(prefix, uuid4()))
    assert await world.broken() == {"L8"}
    told.clear()


async def test_a_consumer_that_saw_an_older_version_later_is_seen(world: World) -> None:
    await world.begin_anew()
    had = {"consumer": CONSUMER, "event_id": uuid4(), "aggregate_id": "ord_1", "aggregate_version": 2}
    await world.insert("notifications", "inbox", **had)
    assert await world.broken() == {"L9"}


async def test_the_verdict_names_the_law_and_what_broke_it(world: World) -> None:
    await world.begin_anew()
    await world.databases["products"].execute("UPDATE stock SET on_hand = 11")
    auditor = Auditor(world.evidence)
    await auditor.sample()
    with pytest.raises(LawBrokenError, match=r"L1: product .* 11 on hand but movements say 10"):
        auditor.judge()


@pytest.mark.parametrize(
    ("subject_filter", "subject", "is_match"),
    [
        ("orders.order.confirmed.*", "orders.order.confirmed.ord_1", True),
        ("orders.order.*.*", "orders.order.placed.ord_1", True),
        ("orders.>", "orders.order.placed.ord_1", True),
        (">", "users.user.registered.usr_1", True),
        ("orders.order.confirmed.*", "orders.order.cancelled.ord_1", False),
        ("orders.>", "payments.payment.voided.pay_1", False),
        ("orders.order.*", "orders.order.placed.ord_1", False),
    ],
)
def test_consumers_want_what_their_subjects_say(subject_filter: str, subject: str, is_match: bool) -> None:
    assert matches(subject_filter, subject) is is_match

"""What the auditor looks at: the five databases, read only, the event stream, and the payment provider's own ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import nats
from nats.aio.client import Client

from common.events.bus import STREAM
from common.events.event import SUBJECT_PREFIX
from deploy.prove.ledger import ProviderLedger, ReadLedger, ledger_of
from deploy.prove.outside import Outside

SUBGRAPHS = ("users", "products", "orders", "payments", "notifications")

Row = Mapping[str, Any]


class Witness:
    """One database, read only; every statement sees one moment. One statement at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def ask(self, sql: str, *parameters: Any) -> list[Row]:
        """Raises what asyncpg raises while the server is away; the next question connects anew."""
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._url,
                    server_settings={
                        "default_transaction_read_only": "on",
                        "application_name": "auditor",
                        "timezone": "UTC",
                    },
                    command_timeout=120,
                    statement_cache_size=0,
                )
            return list(await self._connection.fetch(sql, *parameters))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


@dataclass(frozen=True, slots=True)
class Stream:
    """The event stream, looked at from outside."""

    client: Client

    async def consumers(self) -> dict[str, tuple[str, ...]]:
        """Durable consumers and the subjects each wants, without the prefix of all events."""
        return {
            str(info.name): tuple(
                subject.removeprefix(f"{SUBJECT_PREFIX}.")
                for subject in (info.config.filter_subjects or [info.config.filter_subject or ">"])
            )
            for info in await self._infos()
            if info.config.durable_name
        }

    async def waiting(self) -> int:
        """Deliveries that consumers have not acknowledged yet."""
        return sum((info.num_pending or 0) + (info.num_ack_pending or 0) for info in await self._infos())

    async def _infos(self) -> list[Any]:
        return list(await self.client.jetstream().consumers_info(STREAM))


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What clients were told, for law L8: promises the shop has made. All are public ids."""

    orders: set[str] = field(default_factory=set)
    #: said to be authorised or captured
    payments: set[str] = field(default_factory=set)
    #: orders said to be CONFIRMED
    confirmed: set[str] = field(default_factory=set)
    #: said to be made
    refunds: set[str] = field(default_factory=set)
    #: users said to be registered, and those said to be erased
    accounts: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Evidence:
    users: Witness
    products: Witness
    orders: Witness
    payments: Witness
    notifications: Witness
    stream: Stream
    read_ledger: ReadLedger
    acknowledged: Acknowledged = field(default_factory=Acknowledged)

    def by_name(self) -> dict[str, Witness]:
        return {name: getattr(self, name) for name in SUBGRAPHS}

    async def ledger(self) -> ProviderLedger:
        return await self.read_ledger()

    async def consumers(self) -> dict[str, tuple[str, ...]]:
        return await self.stream.consumers()


@asynccontextmanager
async def evidence(url_by_subgraph: Mapping[str, str], nats_url: str, outside: Outside) -> AsyncIterator[Evidence]:
    async with AsyncExitStack() as stack:
        witnesses = {name: Witness(url_by_subgraph[name]) for name in SUBGRAPHS}
        for witness in witnesses.values():
            stack.push_async_callback(witness.close)
        client = await nats.connect(nats_url, name="auditor", max_reconnect_attempts=-1)
        stack.push_async_callback(client.close)
        ledger = ledger_of(outside)
        users, products, orders, payments, notifications = (witnesses[name] for name in SUBGRAPHS)
        yield Evidence(users, products, orders, payments, notifications, Stream(client), ledger)

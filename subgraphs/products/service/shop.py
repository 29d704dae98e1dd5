"""The subgraph's service as one record: what resolvers, commands and workers are given."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from common.events import Event, EventFeed
from common.events.sql import SqlConnection
from subgraphs.products.events import shipped_goods_of
from subgraphs.products.service.catalogue import Catalogue
from subgraphs.products.service.categories import Categories
from subgraphs.products.service.commands import Commands
from subgraphs.products.service.editing import Editing
from subgraphs.products.service.reservations import Reservations
from subgraphs.products.service.stock_keeping import StockKeeping
from subgraphs.products.service.tree import Tree

SWEEP_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class ProductsService:
    catalogue: Catalogue
    categories: Categories
    editing: Editing
    tree: Tree
    stock_keeping: StockKeeping
    reservations: Reservations
    commands: Commands
    #: by type pattern
    feeds: Mapping[str, EventFeed]

    async def ship(self, connection: SqlConnection, event: Event) -> None:
        """Effect of `orders.fulfillment.created`."""
        order_id, goods = shipped_goods_of(event)
        await self.reservations.ship(connection, order_id, goods)


@dataclass(slots=True)
class ReservationSweeper:
    """Worker that gives expired reservations back, every few seconds."""

    reservations: Reservations
    pause_s: float = SWEEP_PAUSE_S
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        while not self._stopped.is_set():
            if await self.reservations.sweep():
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.pause_s):
                    await self._stopped.wait()

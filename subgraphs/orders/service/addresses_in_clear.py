"""Addresses of orders from before they were sealed: sealed once, at the first start of a process that can."""

import asyncio

import orjson
import structlog

from subgraphs.orders.service.destinations import Destinations, seal

BATCH = 100
_NEXT = """
SELECT id, customer_id, shipping_address FROM orders WHERE shipping_address IS NOT NULL ORDER BY id LIMIT $1
"""
# every change is a version, this one as well; no event tells of it, since nobody sees a difference
_SEAL = """
UPDATE orders SET address_sealed = $2, shipping_address = NULL, version = version + 1
WHERE id = $1 AND shipping_address IS NOT NULL
"""

_log = structlog.get_logger(__name__)


class AddressesInClear:
    """Worker that ends when there is none left. Several may run: an order is sealed once."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        database = self._destinations.database
        while not self._stopped.is_set():
            rows = await database.fetch(_NEXT, [BATCH])
            if not rows:
                return
            for row in rows:
                sealer = await self._destinations.sealer(row["customer_id"])
                address = orjson.loads(row["shipping_address"])
                await database.fetch(_SEAL, [row["id"], seal(sealer, row["id"], address)])
            _log.info("addresses sealed", count=len(rows))

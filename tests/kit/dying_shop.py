"""A shop that dies: `python -m tests.kit.dying_shop POSTGRES NATS PRODUCTS ORDERS PAYMENTS`.

It sells one order, prints buyer, order and payment status once these are acknowledged (logs go to standard error), and
kills itself (SIGKILL) before any event has left an outbox.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import structlog

from common.events import Bus
from tests.kit.commerce import customer, running_commerce


async def sell(postgres_url: str, nats_url: str, names: tuple[str, str, str]) -> None:
    acknowledged = asyncio.Event()

    async def die(*_: Any, **__: Any) -> None:
        """In the place of publishing: the transaction that recorded the events has committed."""
        await acknowledged.wait()
        os.kill(os.getpid(), signal.SIGKILL)

    Bus.publish_all = die  # type: ignore[assignment,method-assign]  # the failpoint of this program
    async with running_commerce(postgres_url, nats_url, names=names) as shop:
        buyer = customer()
        order = await shop.placed(buyer, await shop.add_product(stock=5))
        paid = await shop.pay(buyer, order["id"])
        print(buyer.subject, order["id"], paid["payment"]["status"], flush=True)
        acknowledged.set()
        await asyncio.sleep(30)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(sell(sys.argv[1], sys.argv[2], (sys.argv[3], sys.argv[4], sys.argv[5])))

"""Where an order goes: the address the buyer gave, else the customer's default one; sealed under the customer's key.

Orders keeps no address in clear but its country, which tax and shipping depend on. Whoever is erased loses the key
here, and with it every address (`users.user.erased`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from common.errors import DeadlineExceededError, UnavailableError
from common.events import Bus, CommandError, Event
from common.events.sql import SqlConnection
from common.flags import Flag, Flags
from common.ids import format_id
from common.lru import LruMap
from common.subgraph.data_keys import DataKeys
from common.subgraph.database import Database
from common.subgraph.sealing import Sealer, UnsealError
from subgraphs.orders.domain.address import check_address
from subgraphs.orders.domain.words import USER_PREFIX
from subgraphs.orders.events import DEFAULT_ADDRESS, GUEST, user_id_of
from subgraphs.orders.service.carts import Carts

Address = Mapping[str, str | None]
#: of customers who ordered lately
CACHED_KEY_COUNT = 1024
GUEST_ORDERS = Flag("guest-orders", True, "whoever knows the id of an account without a password may order for it")


@dataclass(frozen=True, slots=True)
class Destinations:
    database: Database
    bus: Bus
    #: how long to wait for what users knows about a customer
    timeout_s: float
    keys: DataKeys
    carts: Carts
    #: a key that was forgotten meanwhile does no harm: what is sealed with it can be opened by nobody
    sealer_by_customer: LruMap[UUID, Sealer]
    flags: Flags

    async def of(self, customer_id: UUID, given: Address | None) -> Address | None:
        """None: the customer has none. Raises InvalidInput, and UnavailableError where users does not answer."""
        if given is None:
            reply = await self._ask(DEFAULT_ADDRESS, customer_id)
            given = reply.get("address")
        return None if given is None else check_address(given)

    async def is_guest(self, customer_id: UUID) -> bool:
        """Whether it is an account without a password, whose unguessable id is its ticket. Raises UnavailableError."""
        if not self.flags.is_on(GUEST_ORDERS, subject=format_id(USER_PREFIX, customer_id)):
            return False
        return bool((await self._ask(GUEST, customer_id)).get("is_guest"))

    async def is_known(self, customer_id: UUID) -> bool:
        """False for who has no account, or none any more; where users does not answer, staff are believed."""
        try:
            await self._ask(DEFAULT_ADDRESS, customer_id)
        except CommandError as exc:
            if exc.code != "NOT_FOUND":
                raise
            return False
        except (UnavailableError, DeadlineExceededError):
            return True
        return True

    async def sealer(self, customer_id: UUID) -> Sealer:
        """No statement for a customer who ordered lately, else one."""
        sealer = self.sealer_by_customer.get(customer_id)
        if sealer is None:
            async with self.database.transaction() as connection:
                sealer = await self.keys.sealer(connection, customer_id)
            self.sealer_by_customer.put(customer_id, sealer)
        return sealer

    async def sealers(self, customer_ids: Sequence[UUID]) -> list[tuple[UUID, Sealer]]:
        """Of those who have a key, in one statement."""
        async with self.database.transaction() as connection:
            return list((await self.keys.sealers(connection, customer_ids)).items())

    async def erased(self, connection: SqlConnection, event: Event) -> None:
        """Handler of `users.user.erased`: addresses cannot be opened any more, the cart is gone, totals stay."""
        customer_id = user_id_of(event.payload)
        await self.keys.forget(connection, customer_id)
        await self.carts.forget(connection, customer_id)
        self.sealer_by_customer.pop(customer_id)

    async def _ask(self, subject: str, customer_id: UUID) -> dict[str, Any]:
        asked = {"user_id": format_id(USER_PREFIX, customer_id)}
        return await self.bus.request(subject, asked, timeout_s=self.timeout_s)


def seal(sealer: Sealer, order_id: UUID, address: Address) -> bytes:
    return sealer.seal(orjson.dumps(address).decode(), _place(order_id))


def unseal(sealer: Sealer | None, order_id: UUID, sealed: bytes | None) -> dict[str, str | None] | None:
    """None where there is no address, or its customer was erased."""
    if sealer is None or sealed is None:
        return None
    try:
        opened: dict[str, str | None] = orjson.loads(sealer.unseal(sealed, _place(order_id)))
    except UnsealError:
        # sealed by a process that had not heard of the erasure yet
        return None
    return opened


def _place(order_id: UUID) -> str:
    return f"orders.address:{order_id}"

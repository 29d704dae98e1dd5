"""Commands of the other subgraphs: JSON in, JSON out. Every one of them may be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.events import CommandError
from subgraphs.products.domain.reservations import RefusalCode, ReservationRefusal
from subgraphs.products.events import order_id_of, refusal_details, reservation_reply, ttl_of, wanted_lines_of
from subgraphs.products.service.reservations import Reservations
from subgraphs.products.service.rush import Rush

_MESSAGES: Mapping[RefusalCode, str] = {
    RefusalCode.INSUFFICIENT_STOCK: "Not enough stock.",
    RefusalCode.PRICE_CHANGED: "The price has changed.",
    RefusalCode.PRODUCT_NOT_FOUND: "This product is not for sale.",
    RefusalCode.CURRENCY_MISMATCH: "This product is not sold in that currency.",
}


@dataclass(frozen=True, slots=True)
class Commands:
    reservations: Reservations
    rush: Rush

    async def reserve(self, payload: dict[str, Any]) -> Mapping[str, Any]:
        """Raises CommandError with a RefusalCode when nothing was reserved."""
        outcome = await self.rush.reserve(
            order_id_of(payload), wanted_lines_of(payload), payload.get("currency"), ttl_of(payload)
        )
        if isinstance(outcome, ReservationRefusal):
            raise CommandError(outcome.code.value, _MESSAGES[outcome.code], details=refusal_details(outcome))
        return reservation_reply(outcome)

    async def commit(self, payload: dict[str, Any]) -> Mapping[str, Any]:
        return {"committed": await self.reservations.commit(order_id_of(payload))}

    async def release(self, payload: dict[str, Any]) -> Mapping[str, Any]:
        await self.reservations.release(order_id_of(payload))
        return {}

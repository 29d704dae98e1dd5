"""Asking products for stock: the three commands, their refusals as errors of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.errors import DeadlineExceededError, UnavailableError
from common.events import Bus, CommandError
from common.ids import format_id
from subgraphs.orders.domain.pricing import PricedLine, RequestedLine
from subgraphs.orders.domain.words import ORDER_PREFIX
from subgraphs.orders.errors import (
    InsufficientStock,
    InvalidInput,
    NotSoldInCurrency,
    OrderError,
    PriceChanged,
    ReservationUnavailable,
)
from subgraphs.orders.events import COMMIT, RELEASE, RESERVE, priced_lines, reserve_request


@dataclass(frozen=True, slots=True)
class HeldStock:
    """What products promised, until `expires_at`; lines in the order of the request."""

    lines: tuple[PricedLine, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stock:
    """Every command may be repeated for the same order; its outcome is then the same."""

    bus: Bus
    #: how long a buyer waits for products before the order is accepted as PENDING
    timeout_s: float
    #: how long it is held for an order that is not paid
    reservation_ttl_s: float

    async def reserve(self, order_id: UUID, lines: Sequence[RequestedLine], currency: str) -> HeldStock:
        """At the prices in that currency. Raises InsufficientStock, PriceChanged, NotSoldInCurrency, InvalidInput:
        nothing is held; ReservationUnavailable: unknown."""
        try:
            reply = await self._ask(RESERVE, reserve_request(order_id, lines, currency, self.reservation_ttl_s))
        except CommandError as exc:
            raise refusal_of(exc) from exc
        return HeldStock(priced_lines(reply), datetime.fromisoformat(reply["expires_at"]))

    async def commit(self, order_id: UUID) -> bool:
        """False where nothing is held for the order any more. Raises ReservationUnavailable."""
        reply = await self._ask(COMMIT, {"order_id": format_id(ORDER_PREFIX, order_id)})
        return bool(reply["committed"])

    async def release(self, order_id: UUID) -> None:
        """Raises ReservationUnavailable."""
        await self._ask(RELEASE, {"order_id": format_id(ORDER_PREFIX, order_id)})

    async def _ask(self, subject: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self.bus.request(subject, payload, timeout_s=self.timeout_s)
        except (UnavailableError, DeadlineExceededError) as exc:
            raise ReservationUnavailable(str(exc)) from exc


def refusal_of(error: CommandError) -> OrderError | ReservationUnavailable:
    """The refusal of a reserve command as an error for the buyer; an answer that is none leaves the outcome unknown."""
    blamed: list[dict[str, Any]] = list(error.details.get("lines", ()))
    match error.code:
        case "INSUFFICIENT_STOCK":
            shortages = [(line["product_id"], line["requested"], line["available"]) for line in blamed]
            return InsufficientStock("Not enough stock for this order.", ["items"], shortages)
        case "PRICE_CHANGED":
            line = blamed[0]
            return PriceChanged(
                "The price has changed since it was shown.",
                ["items", "expectedUnitPrice"],
                line["product_id"],
                line["expected_unit_price_minor"],
                line["unit_price_minor"],
                line["currency"],
            )
        case "PRODUCT_NOT_FOUND":
            names = ", ".join(line["product_id"] for line in blamed)
            return InvalidInput(f"Not for sale: {names}. Order without it.", ["items", "productId"])
        case "CURRENCY_MISMATCH":
            return NotSoldInCurrency(
                "Not everything is sold in the currency of the order, which is USD unless you name another.",
                ["currency"],
                [line["product_id"] for line in blamed],
            )
        case _:
            return ReservationUnavailable(f"products answered {error.code}")

"""Units on the shelf: what moves them, and how much of them a customer is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.products.errors import InvalidInput

LOW_STOCK_THRESHOLD_DEFAULT = 5
QUANTITY_MAX = 1_000_000_000


class StockStatus(StrEnum):
    IN_STOCK = "IN_STOCK"
    LOW_STOCK = "LOW_STOCK"
    OUT_OF_STOCK = "OUT_OF_STOCK"


class InventoryReason(StrEnum):
    RECEIVED = "RECEIVED"
    DAMAGED = "DAMAGED"
    CORRECTION = "CORRECTION"
    RETURNED = "RETURNED"


class MovementReason(StrEnum):
    """Why units came or went: what staff says, and what happens by itself."""

    INITIAL = "INITIAL"
    RECEIVED = "RECEIVED"
    DAMAGED = "DAMAGED"
    CORRECTION = "CORRECTION"
    RETURNED = "RETURNED"
    SHIPPED = "SHIPPED"


#: Which direction a movement of stock may have, by reason: +1 in, -1 out, 0 either.
REASON_DIRECTION: Mapping[InventoryReason, int] = {
    InventoryReason.RECEIVED: 1,
    InventoryReason.RETURNED: 1,
    InventoryReason.DAMAGED: -1,
    InventoryReason.CORRECTION: 0,
}


@dataclass(frozen=True, slots=True)
class StockMovement:
    """Units that came (positive) or went; `order_id` is the order whose goods they were."""

    id: UUID
    product_id: UUID
    reason: MovementReason
    delta: int
    order_id: UUID | None
    actor: str
    created_at: datetime


def stock_status(available: int, low_stock_threshold: int) -> StockStatus:
    if available <= 0:
        return StockStatus.OUT_OF_STOCK
    return StockStatus.LOW_STOCK if available <= low_stock_threshold else StockStatus.IN_STOCK


def check_adjustment(reason: InventoryReason, delta: int) -> None:
    """Raise InvalidInput where a movement of `delta` units cannot have that reason."""
    direction = REASON_DIRECTION[reason]
    if delta == 0:
        raise InvalidInput("The adjustment must not be zero.", ("delta",))
    if abs(delta) > QUANTITY_MAX:
        raise InvalidInput(f"At most {QUANTITY_MAX} units can be moved at once.", ("delta",))
    if direction * delta < 0:
        expected = "positive" if direction > 0 else "negative"
        raise InvalidInput(f"An adjustment for {reason.value} must be {expected}.", ("delta",))


def check_threshold(units: int) -> None:
    if not 0 <= units <= QUANTITY_MAX:
        raise InvalidInput(f"The threshold is between 0 and {QUANTITY_MAX} units.", ["lowStockThreshold"])

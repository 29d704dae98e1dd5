"""Cancelling an order: by its buyer before it is paid, by staff as long as nothing was shipped."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.ids import format_id
from common.subgraph.database import Database
from common.subgraph.due import Signal
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from subgraphs.orders.domain.records import Order
from subgraphs.orders.domain.status import (
    CUSTOMER_REASONS,
    SYSTEM_REASONS,
    TRANSITIONS,
    CancelReason,
    FulfillmentStatus,
    OrderStatus,
    can_cancel,
)
from subgraphs.orders.domain.words import USER_PREFIX
from subgraphs.orders.errors import (
    IllegalTransition,
    InvalidInput,
    NotFound,
    OrderError,
)
from subgraphs.orders.service.moving import Moving, cancelled
from subgraphs.orders.service.store import Due, Step


@dataclass(frozen=True, slots=True)
class Cancelling:
    database: Database
    clock: Clock
    moving: Moving
    signal: Signal

    async def cancel(
        self, actor: str, order_id: UUID, reason: CancelReason, *, is_staff: bool, key: str | None
    ) -> None:
        """Raises NotFound, InvalidInput, IllegalTransition, IdempotencyConflictedError; nothing has changed then."""
        if key is None:
            async with self.database.transaction() as connection:
                await self._cancel(connection, actor, order_id, reason, is_staff=is_staff)
        else:

            async def effect(connection: SqlConnection) -> dict[str, Any]:
                try:
                    await self._cancel(connection, actor, order_id, reason, is_staff=is_staff)
                except OrderError as exc:
                    raise RejectedError(exc.to_answer()) from exc
                return {"id": str(order_id)}

            body = {"id": str(order_id), "reason": reason.value}
            request = IdempotentRequest(actor, "orderCancel", key, body)
            outcome = await run_idempotent(self.database, self.clock, request, effect)
            OrderError.raise_if_refused(outcome.answer)
        self.signal.wake()

    async def _cancel(
        self, connection: SqlConnection, actor: str, order_id: UUID, reason: CancelReason, *, is_staff: bool
    ) -> None:
        order = await self.moving.load_locked(connection, order_id)
        if order is None or not (is_staff or format_id(USER_PREFIX, order.customer_id) == actor):
            raise NotFound("There is no such order.", ["id"])
        if reason in SYSTEM_REASONS or (not is_staff and reason not in CUSTOMER_REASONS):
            raise InvalidInput(f"The reason {reason.value} is not yours to give.", ["reason"])
        if not can_cancel(order.status, order.fulfillment_status, is_staff=is_staff):
            raise IllegalTransition(
                _why_not(order),
                ["id"],
                order.status.value,
                _reachable(order),
            )
        now = self.clock.now()
        after = cancelled(order, reason, now)
        if not await self.moving.step(order, after, due=Due(Step.RELEASE, now), actor=actor):
            raise RuntimeError("a locked order moved")


def _why_not(order: Order) -> str:
    """And what can be done instead."""
    if order.status is OrderStatus.CANCELLED:
        return "The order has been cancelled before."
    if order.fulfillment_status is not FulfillmentStatus.UNFULFILLED:
        return "What has left the house cannot be cancelled any more; staff can refund it."
    return "An order that is paid for can be cancelled by staff only: ask them."


def _reachable(order: Order) -> list[str]:
    return [status.value for status in TRANSITIONS[order.status] if status is not OrderStatus.CANCELLED]

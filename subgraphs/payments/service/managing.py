"""Captures and voids that staff ask for: decided under a lock, carried out at once, by the worker if that fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.money import Money
from common.subgraph.database import Database, fetch
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from subgraphs.payments.domain.status import Payment, PaymentStatus
from subgraphs.payments.domain.tokens import holds_card_number
from subgraphs.payments.errors import InvalidInput, NotFound, PaymentError
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore, TaskKind
from subgraphs.payments.service.tasks import LEASE, DueTasks, Task

_OWED = "SELECT kind FROM provider_task WHERE subject_id = $1 AND kind IN ('CAPTURE', 'VOID')"

Decide = Callable[[SqlConnection, Payment], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Managing:
    database: Database
    clock: Clock
    store: PaymentStore
    settling: Settling
    tasks: DueTasks

    async def capture(self, actor: str, payment_id: UUID, amount: Money | None, key: str) -> Payment:
        """The payment, CAPTURED or, when the provider did not answer, still AUTHORIZED. `amount` None: all of it; what
        is not taken is let go. Raises NotFound, InvalidInput, IdempotencyConflictedError, IdempotencyInFlightError."""

        async def decide(connection: SqlConnection, payment: Payment) -> None:
            if payment.status is not PaymentStatus.AUTHORIZED:
                raise InvalidInput(f"A payment that is {payment.status} cannot be captured.", ["id"])
            held = Money(payment.authorized_minor, payment.currency)
            wanted = amount or held
            if wanted.currency != held.currency or not 0 < wanted.amount_minor <= held.amount_minor:
                raise InvalidInput(f"{held} can be captured.", ["amount"])
            await self._owe(connection, payment, TaskKind.CAPTURE, wanted.amount_minor)

        request = {"payment_id": payment_id, "amount": str(amount) if amount else None}
        return await self._decided(IdempotentRequest(actor, "paymentCapture", key, request), payment_id, decide)

    async def void(self, actor: str, payment_id: UUID, key: str) -> Payment:
        """The payment, VOIDED or, when the provider did not answer, as it was. Raises as `capture` does."""

        async def decide(connection: SqlConnection, payment: Payment) -> None:
            match payment.status:
                case PaymentStatus.REQUIRES_METHOD:
                    await self.settling.voided(payment)
                case PaymentStatus.AUTHORIZED | PaymentStatus.REQUIRES_ACTION:
                    await self._owe(connection, payment, TaskKind.VOID, None)
                case _:
                    raise InvalidInput(f"A payment that is {payment.status} cannot be voided.", ["id"])

        request = IdempotentRequest(actor, "paymentVoid", key, {"payment_id": payment_id})
        return await self._decided(request, payment_id, decide)

    async def _decided(self, request: IdempotentRequest, payment_id: UUID, decide: Decide) -> Payment:
        if holds_card_number(request.key):
            raise InvalidInput("An idempotency key must not be a card number.", ["idempotencyKey"])

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            try:
                payment = await self.store.lock(connection, payment_id)
                if payment is None:
                    raise NotFound("There is no such payment.", ["id"])
                await decide(connection, payment)
            except PaymentError as exc:
                raise RejectedError(exc.to_answer()) from exc
            failpoint("payments.manage.before_commit")
            return {}

        outcome = await run_idempotent(self.database, self.clock, request, effect)
        PaymentError.raise_if_refused(outcome.answer)
        failpoint("payments.manage.after_commit")
        if not outcome.is_replay:
            await self._carry_out(payment_id)
        return await self.store.by_id(payment_id)

    async def _owe(self, connection: SqlConnection, payment: Payment, kind: TaskKind, amount_minor: int | None) -> None:
        """A task, leased to this process; refused where another decision is being carried out."""
        owed = await fetch(connection, _OWED, [payment.id])
        if owed:
            raise InvalidInput(f"The payment is about to be changed ({owed[0]['kind'].lower()}).", ["id"])
        at = self.clock.now() + LEASE
        await self.store.open_task(connection, payment.id, kind, payment.id, at, amount_minor)

    async def _carry_out(self, payment_id: UUID) -> None:
        rows = await self.database.fetch(
            "SELECT kind, amount_minor FROM provider_task WHERE subject_id = $1 AND kind IN ('CAPTURE', 'VOID')",
            [payment_id],
        )
        for row in rows:
            payment = await self.store.by_id(payment_id)
            await self.tasks.take(Task(TaskKind(row["kind"]), payment_id, 1, row["amount_minor"], payment))

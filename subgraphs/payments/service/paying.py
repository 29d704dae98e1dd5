"""Paying an order: claim the key, ask orders, open an attempt, ask the provider, write down what it said.

    claim (commits the ids) -> payable? -> { payment PROCESSING, attempt } -> provider -> { outcome, answer }

The attempt's id is the provider's idempotency key, committed before the call: whoever finds the attempt open later, the
buyer's repetition or the worker, asks the provider under the same key. So an order is never charged twice, and a charge
is never forgotten. A decline leaves the payment REQUIRES_METHOD: the buyer may try again with another card.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import Bus, CommandError
from common.events.sql import SqlConnection
from common.ids import format_id, uuid7
from common.money import Money
from common.subgraph.database import Database, fetch
from common.subgraph.idempotency import IdempotentRequest, store_answer
from common.subgraph.phased import Finished, begin, give_up
from subgraphs.payments.domain.provider import Card, Charge, ChargeState, PaymentProvider
from subgraphs.payments.domain.sandbox import DECLINE_MESSAGES, RETRYABLE_DECLINES
from subgraphs.payments.domain.words import ORDER_PREFIX
from subgraphs.payments.errors import (
    InvalidInput,
    NotFound,
    OrderNotPayable,
    PaymentDeclined,
    PaymentError,
    ProviderUnavailable,
)
from subgraphs.payments.events import PAYABLE, PayableOrder, payable_order, payable_request
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore

ORDERS_TIMEOUT_S = 2.0
#: an attempt nobody has settled by then is taken up by the worker
RECOVER_AFTER = timedelta(seconds=20)

# One payment per order is alive (unique index). It takes a new attempt when the last one was declined.
_OPEN = """
WITH opened AS (
    INSERT INTO payment AS p (id, order_id, order_number, customer_id, status, amount_minor, currency, card_brand,
        card_last4, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 'PROCESSING', $5, $6, $7, $8, $9, $9)
    ON CONFLICT (order_id) WHERE status NOT IN ('VOIDED', 'FAILED') DO UPDATE SET
        status = 'PROCESSING', card_brand = excluded.card_brand, card_last4 = excluded.card_last4, decline_code = NULL,
        updated_at = excluded.updated_at, version = p.version + 1
    WHERE p.status = 'REQUIRES_METHOD'
    RETURNING id
), tried AS (
    INSERT INTO payment_attempt (id, payment_id, token, state, created_at) SELECT $10, id, $11, 'OPEN', $9 FROM opened
), owed AS (
    INSERT INTO provider_task (id, payment_id, kind, subject_id, next_at)
    SELECT $12, id, 'AUTHORIZE', $10, $13 FROM opened
)
SELECT id FROM opened
"""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Who pays which order by what. `amount` None: what the order costs."""

    actor: str
    may_act_for_others: bool
    order_id: UUID
    token: str
    amount: Money | None
    key: str

    @property
    def body(self) -> Mapping[str, Any]:
        return {
            "order_id": str(self.order_id),
            "token": self.token,
            "amount": str(self.amount) if self.amount else None,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    id: UUID
    payment_id: UUID
    token: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Paying:
    database: Database
    clock: Clock
    bus: Bus
    provider: PaymentProvider
    store: PaymentStore
    settling: Settling

    async def pay(self, wanted: PaymentRequest) -> UUID:
        """Id of the payment, AUTHORIZED or, when the provider did not answer, PROCESSING.

        Raises the errors of `errors.py` except ProviderUnavailable, IdempotencyConflictedError,
        IdempotencyInFlightError, UnavailableError and DeadlineExceededError (orders is away; nothing was charged).
        """
        request = IdempotentRequest(wanted.actor, "paymentCreate", wanted.key, wanted.body)
        point = {"payment_id": str(uuid7()), "attempt_id": str(uuid7())}
        begun = await begin(self.database, self.clock, request, point)
        if isinstance(begun, Finished):
            PaymentError.raise_if_refused(begun.answer)
            return UUID(begun.answer["id"])
        try:
            # another point than ours is that of a request that died: it may have opened its attempt already
            resumed = await self._resumed(UUID(begun.point["attempt_id"])) if begun.point != point else None
            return await self._carry_out(wanted, request, resumed or await self._open(wanted, begun.point))
        except PaymentDeclined:
            raise
        except PaymentError as exc:
            await self._answer(request, exc.to_answer())
            raise
        except BaseException:
            await give_up(self.database, request)
            raise

    async def _carry_out(self, wanted: PaymentRequest, request: IdempotentRequest, attempt: Attempt) -> UUID:
        try:
            charge = await self.provider.authorize(
                str(attempt.id), attempt.token, attempt.amount_minor, attempt.currency
            )
        except ProviderUnavailable:
            # the outcome is unknown: the payment stays PROCESSING until the worker has found out
            await self._answer(request, {"id": str(attempt.payment_id)})
            return attempt.payment_id
        declined = _decline_of(charge)
        answer = declined.to_answer() if declined else {"id": str(attempt.payment_id)}
        async with self.database.transaction() as connection:
            await self.settling.authorized_or_declined(connection, attempt.payment_id, attempt.id, charge, wanted.actor)
            await store_answer(connection, request, answer)
        if declined:
            raise declined
        return attempt.payment_id

    async def _resumed(self, attempt_id: UUID) -> Attempt | None:
        """The attempt of an earlier request under this key that died after opening it."""
        async with self.database.transaction() as connection:
            return await load_attempt(connection, attempt_id)

    async def _open(self, wanted: PaymentRequest, point: Mapping[str, str]) -> Attempt:
        order = await self._payable(wanted)
        if wanted.amount is not None and wanted.amount != Money(order.total_minor, order.currency):
            raise InvalidInput(f"The order costs {Money(order.total_minor, order.currency)}.", ["amount"])
        card = await self.provider.card_of(wanted.token)
        if card is None:
            raise InvalidInput("There is no such payment method.", ["paymentMethodToken"])
        payment_id = await self._insert(order, card, wanted.token, point)
        if payment_id is None:
            raise OrderNotPayable(
                "The order has a payment already.", ["orderId"], format_id(ORDER_PREFIX, wanted.order_id)
            )
        return Attempt(UUID(point["attempt_id"]), payment_id, wanted.token, order.total_minor, order.currency)

    async def _payable(self, wanted: PaymentRequest) -> PayableOrder:
        asked = payable_request(wanted.order_id, wanted.actor, may_act_for_others=wanted.may_act_for_others)
        try:
            order = payable_order(await self.bus.request(PAYABLE, asked, timeout_s=ORDERS_TIMEOUT_S))
        except CommandError as exc:
            if exc.code != "NOT_FOUND":
                raise
            raise NotFound("There is no such order.", ["orderId"]) from exc
        if order.status != "AWAITING_PAYMENT":
            raise OrderNotPayable(
                f"An order that is {order.status} takes no payment.",
                ["orderId"],
                format_id(ORDER_PREFIX, wanted.order_id),
            )
        return order

    async def _insert(self, order: PayableOrder, card: Card, token: str, point: Mapping[str, str]) -> UUID | None:
        """Id of the payment that took the attempt; None where the order has a payment that takes none."""
        now = self.clock.now()
        rows = await self.database.fetch(
            _OPEN,
            [
                UUID(point["payment_id"]),
                order.id,
                order.number,
                order.customer_id,
                order.total_minor,
                order.currency,
                card.brand,
                card.last4,
                now,
                UUID(point["attempt_id"]),
                token,
                uuid7(),
                now + RECOVER_AFTER,
            ],
        )
        return rows[0]["id"] if rows else None

    async def _answer(self, request: IdempotentRequest, answer: dict[str, Any]) -> None:
        async with self.database.transaction() as connection:
            await store_answer(connection, request, answer)


async def load_attempt(connection: SqlConnection, attempt_id: UUID) -> Attempt | None:
    rows = await fetch(
        connection,
        """SELECT a.id, a.payment_id, a.token, p.amount_minor, p.currency
           FROM payment_attempt a JOIN payment p ON p.id = a.payment_id WHERE a.id = $1""",
        [attempt_id],
    )
    if not rows:
        return None
    row = rows[0]
    return Attempt(row["id"], row["payment_id"], row["token"], row["amount_minor"], row["currency"])


def _decline_of(charge: Charge) -> PaymentDeclined | None:
    if charge.state is not ChargeState.DECLINED:
        return None
    code = charge.decline_code or "generic_decline"
    message = DECLINE_MESSAGES.get(code, DECLINE_MESSAGES["generic_decline"])
    return PaymentDeclined(message, ["paymentMethodToken"], code, code in RETRYABLE_DECLINES)

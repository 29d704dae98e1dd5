"""Paying an order: claim the key, ask orders, open an attempt, ask the provider, write down what it said.

    claim (commits the ids) -> payable? means? -> { payment PROCESSING, attempt, task } -> provider
        -> { outcome, ledger, event, answer }

The attempt's id is the provider's idempotency key, committed before the call: whoever finds the attempt open later, the
buyer's repetition or the worker, asks the provider under the same key. So an order is never charged twice, and a charge
is never forgotten. A decline leaves the payment REQUIRES_METHOD: the buyer may try again with another card, and need
not even wait for a bank that asks back (`opening`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.errors import UnavailableError
from common.events import Bus, CommandError
from common.failpoints import failpoint
from common.flags import Flag, Flags
from common.ids import format_id, uuid7
from common.money import Money
from common.subgraph.database import Database
from common.subgraph.idempotency import IdempotentRequest, store_answer
from common.subgraph.phased import Finished, begin, give_up, refuse
from subgraphs.payments.domain.declines import RETRYABLE_DECLINES, decline_message
from subgraphs.payments.domain.provider import Attempt, Charge, ChargeState, Means, PaymentMethodKind, PaymentProvider
from subgraphs.payments.domain.status import Payment, PaymentStatus
from subgraphs.payments.domain.steps import understood
from subgraphs.payments.domain.tokens import holds_card_number, is_token
from subgraphs.payments.domain.words import ORDER_PREFIX, USER_PREFIX
from subgraphs.payments.errors import (
    InvalidInput,
    NotFound,
    OrderNotPayable,
    PaymentDeclined,
    PaymentError,
    ProviderUnavailable,
)
from subgraphs.payments.events import PAYABLE, PayableOrder, payable_order, payable_request
from subgraphs.payments.service.opening import NewAttempt, Opening
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore

WALLETS = Flag("payment-wallet", True, "customers may pay with a wallet")
BANK_TRANSFERS = Flag("payment-bank-transfer", True, "customers may pay by a bank transfer")
CASH = Flag("payment-cash-on-delivery", True, "customers may pay the courier in cash")
_FLAGS = {
    PaymentMethodKind.WALLET: WALLETS,
    PaymentMethodKind.BANK_TRANSFER: BANK_TRANSFERS,
    PaymentMethodKind.CASH_ON_DELIVERY: CASH,
}


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Who pays which order by what: a token, or the id of a saved method. `amount` None: what the order costs."""

    actor: str
    may_act_for_others: bool
    order_id: UUID
    token: str | None
    method_id: UUID | None
    saves_method: bool
    amount: Money | None
    key: str

    @property
    def body(self) -> Mapping[str, Any]:
        body: dict[str, Any] = {
            "order_id": str(self.order_id),
            "token": self.token,
            "amount": str(self.amount) if self.amount else None,
        }
        if self.method_id is not None:
            body["method_id"] = str(self.method_id)
        if self.saves_method:
            body["saves_method"] = True
        return body


@dataclass(frozen=True, slots=True)
class Paying:
    database: Database
    clock: Clock
    bus: Bus
    orders_timeout_s: float
    provider: PaymentProvider
    store: PaymentStore
    opening: Opening
    settling: Settling
    flags: Flags

    async def pay(self, wanted: PaymentRequest) -> Payment:
        """The payment: AUTHORIZED, REQUIRES_ACTION, or PROCESSING when a bank or the provider has yet to answer.

        Raises the errors of `errors.py` except ProviderUnavailable, IdempotencyConflictedError,
        IdempotencyInFlightError, UnavailableError and DeadlineExceededError (orders or the provider is away; nothing
        was charged).
        """
        _check(wanted)
        request = IdempotentRequest(wanted.actor, "paymentCreate", wanted.key, wanted.body)
        point = {"payment_id": str(uuid7()), "attempt_id": str(uuid7())}
        begun = await begin(self.database, self.clock, request, point)
        if isinstance(begun, Finished):
            PaymentError.raise_if_refused(begun.answer)
            return await self.store.by_id(UUID(begun.answer["id"]))
        failpoint("payments.claim.after_commit")
        try:
            # another point than ours is that of a request that died: it may have opened its attempt already
            resumed = await self._resumed(begun.point) if begun.point != point else None
            payment, attempt = resumed or await self._open(wanted, begun.point)
            return await self._carry_out(wanted, request, payment, attempt)
        except PaymentDeclined:
            raise
        except PaymentError as exc:
            await refuse(self.database, request, exc.to_answer())
            raise
        except BaseException:
            await give_up(self.database, request)
            raise

    async def confirm(self, payment_id: UUID) -> Payment:
        """Looks what became of a payment that waits for its customer or a bank. Raises PaymentDeclined."""
        found = await self.store.attempt(payment_id)
        if found is None:
            return await self.store.by_id(payment_id)
        payment, attempt = found
        if payment.status not in (PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING):
            return payment
        try:
            charge = await self.provider.find(attempt)
        except ProviderUnavailable:
            return payment
        if charge is None:
            return payment
        charge = understood(payment, charge)
        settled = await self.settling.settle(payment, charge)
        if declined := _decline_of(charge):
            raise declined
        return settled

    async def _carry_out(
        self, wanted: PaymentRequest, request: IdempotentRequest, payment: Payment, attempt: Attempt
    ) -> Payment:
        try:
            charge = understood(payment, await self.provider.authorize(attempt))
        except ProviderUnavailable:
            # the outcome is unknown: the payment stays PROCESSING until the worker has found out
            async with self.database.transaction() as connection:
                await store_answer(connection, request, {"id": str(payment.id)})
            return payment
        declined = _decline_of(charge)
        answer = declined.to_answer() if declined else {"id": str(payment.id)}
        settled = await self.settling.settle(payment, charge, actor=wanted.actor, answers=(request, answer))
        if declined:
            raise declined
        return settled

    async def _resumed(self, point: Mapping[str, str]) -> tuple[Payment, Attempt] | None:
        """The attempt of an earlier request under this key that died after opening it."""
        rows = await self.database.fetch(
            "SELECT payment_id FROM payment_attempt WHERE id = $1", [UUID(point["attempt_id"])]
        )
        return await self.store.attempt(rows[0]["payment_id"]) if rows else None

    async def _open(self, wanted: PaymentRequest, point: Mapping[str, str]) -> tuple[Payment, Attempt]:
        order = await self._payable(wanted)
        if wanted.amount is not None and wanted.amount != Money(order.total_minor, order.currency):
            raise InvalidInput(f"The order costs {Money(order.total_minor, order.currency)}.", ["amount"])
        is_own = format_id(USER_PREFIX, order.customer_id) == wanted.actor
        token, means = await self._means(wanted, order, is_own=is_own)
        flag = _FLAGS.get(means.kind)
        if flag is not None and not self.flags.is_on(flag, subject=format_id(USER_PREFIX, order.customer_id)):
            raise InvalidInput("This way to pay is not offered.", ["paymentMethodToken"])
        # what somebody else pays with is nothing the customer keeps, and cash cannot be kept
        saves = wanted.saves_method and is_own and means.kind is not PaymentMethodKind.CASH_ON_DELIVERY
        attempt_id, payment_id = UUID(point["attempt_id"]), UUID(point["payment_id"])
        payment = await self.opening.open(NewAttempt(attempt_id, payment_id, order, token, means, saves))
        attempt = Attempt(attempt_id, payment.id, order.id, token, payment.amount_minor, payment.currency, saves)
        return payment, attempt

    async def _means(self, wanted: PaymentRequest, order: PayableOrder, *, is_own: bool) -> tuple[str, Means]:
        if wanted.method_id is not None:
            saved = await self.store.method(wanted.method_id)
            # staff pay on behalf of customers, but not with what these have kept
            if saved is None or saved.customer_id != order.customer_id or not is_own:
                raise InvalidInput("There is no such payment method.", ["paymentMethodId"])
            return saved.token, saved.means
        token = wanted.token or ""
        try:
            means = await self.provider.means_of(token)
        except ProviderUnavailable as exc:
            raise UnavailableError("the payment provider does not answer; nothing was charged") from exc
        if means is None:
            raise InvalidInput("There is no such payment method.", ["paymentMethodToken"])
        return token, means

    async def _payable(self, wanted: PaymentRequest) -> PayableOrder:
        asked = payable_request(wanted.order_id, wanted.actor, may_act_for_others=wanted.may_act_for_others)
        try:
            order = payable_order(await self.bus.request(PAYABLE, asked, timeout_s=self.orders_timeout_s))
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


def _check(wanted: PaymentRequest) -> None:
    """What can be refused without asking anybody, before anything of it is kept."""
    if holds_card_number(wanted.key):
        raise InvalidInput("An idempotency key must not be a card number.", ["idempotencyKey"])
    if (wanted.token is None) == (wanted.method_id is None):
        raise InvalidInput("Pay with a paymentMethodToken or with a paymentMethodId.", ["paymentMethodToken"])
    if wanted.token is not None and not is_token(wanted.token):
        raise InvalidInput("There is no such payment method.", ["paymentMethodToken"])


def _decline_of(charge: Charge) -> PaymentDeclined | None:
    if charge.state is not ChargeState.DECLINED:
        return None
    code = charge.decline_code or "generic_decline"
    return PaymentDeclined(decline_message(code), ["paymentMethodToken"], code, code in RETRYABLE_DECLINES)

"""The life of a payment as a table, and the payment axis of an order. Mapped from Stripe's PaymentIntent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.payments.domain.provider import DisputeStatus, Means, PaymentMethodKind


class PaymentStatus(StrEnum):
    REQUIRES_METHOD = "REQUIRES_METHOD"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"


class OrderPaymentStatus(StrEnum):
    UNPAID = "UNPAID"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


class RefundStatus(StrEnum):
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


_S = PaymentStatus
TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    _S.REQUIRES_METHOD: frozenset({_S.PROCESSING, _S.VOIDED}),
    _S.PROCESSING: frozenset({_S.REQUIRES_ACTION, _S.AUTHORIZED, _S.CAPTURED, _S.REQUIRES_METHOD, _S.FAILED}),
    _S.REQUIRES_ACTION: frozenset({_S.PROCESSING, _S.REQUIRES_METHOD, _S.VOIDED}),
    _S.AUTHORIZED: frozenset({_S.CAPTURED, _S.VOIDED}),
    _S.CAPTURED: frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED}),
    _S.PARTIALLY_REFUNDED: frozenset({_S.REFUNDED}),
    _S.REFUNDED: frozenset(),
    _S.VOIDED: frozenset(),
    _S.FAILED: frozenset(),
}
#: An order has at most one payment that is neither void nor failed (a unique index says the same).
DEAD = frozenset({_S.VOIDED, _S.FAILED})
#: An attempt is under way.
OPEN = frozenset({_S.PROCESSING, _S.REQUIRES_ACTION})
#: Money is held or taken.
SECURED = frozenset({_S.AUTHORIZED, _S.CAPTURED, _S.PARTIALLY_REFUNDED, _S.REFUNDED})


@dataclass(frozen=True, slots=True)
class Payment:
    """Amounts in minor units of `currency`. `order_number` is an immutable copy, so that lists need no other hop."""

    id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    status: PaymentStatus
    amount_minor: int
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str
    method_kind: PaymentMethodKind
    #: brand, digits and expiry: None where the kind has none, or the customer was forgotten
    card_brand: str | None
    card_last4: str | None
    exp_month: int | None
    exp_year: int | None
    decline_code: str | None
    #: the provider's id of the charge of the present attempt
    provider_ref: str | None
    #: the present attempt
    attempt_id: UUID | None
    #: how many there were
    attempt_count: int
    #: while REQUIRES_ACTION: where the customer confirms, and until when
    action_url: str | None
    action_expires_at: datetime | None
    #: None: nobody has disputed it
    dispute_status: DisputeStatus | None
    #: what the provider kept back when the dispute began; 0 where there was none
    disputed_minor: int
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def is_cash(self) -> bool:
        return self.method_kind is PaymentMethodKind.CASH_ON_DELIVERY


@dataclass(frozen=True, slots=True)
class Refund:
    id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    status: RefundStatus
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A means of payment that a customer keeps; `token` names it at the provider."""

    id: UUID
    customer_id: UUID
    token: str
    means: Means
    is_default: bool
    created_at: datetime


def refund_result(captured_minor: int, refunded_minor: int) -> PaymentStatus:
    """Status of a captured payment after `refunded_minor` in total went back."""
    if refunded_minor == 0:
        return PaymentStatus.CAPTURED
    return PaymentStatus.REFUNDED if refunded_minor >= captured_minor else PaymentStatus.PARTIALLY_REFUNDED


def order_payment_status(payments: Iterable[Payment], total_minor: int) -> OrderPaymentStatus:
    """The payment axis of an order of `total_minor`, from its payments in any order."""
    known = tuple(payments)
    captured = sum(p.captured_minor for p in known)
    refunded = sum(p.refunded_minor for p in known)
    if captured:
        if refunded >= captured:
            return OrderPaymentStatus.REFUNDED
        if refunded:
            return OrderPaymentStatus.PARTIALLY_REFUNDED
        return OrderPaymentStatus.PAID if captured >= total_minor else OrderPaymentStatus.PARTIALLY_PAID
    if any(p.status is PaymentStatus.AUTHORIZED for p in known):
        return OrderPaymentStatus.AUTHORIZED
    if known and all(p.status is PaymentStatus.VOIDED for p in known):
        return OrderPaymentStatus.VOIDED
    return OrderPaymentStatus.UNPAID


def balance_due_minor(payments: Iterable[Payment], payable_minor: int) -> int:
    """What is still to be taken, never negative; money given back is not owed again."""
    return max(0, payable_minor - sum(p.captured_minor for p in payments))

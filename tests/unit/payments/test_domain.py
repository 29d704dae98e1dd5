"""Rules of payments: the ledger balances, and the axis of an order follows from its payments."""

from datetime import UTC, datetime

import pytest

from common.ids import uuid7
from subgraphs.payments import errors
from subgraphs.payments.domain.ledger import Account, EntryKind, postings
from subgraphs.payments.domain.sandbox import DECLINE_MESSAGES, RETRYABLE_DECLINES, SANDBOX_CARDS
from subgraphs.payments.domain.status import (
    DEAD,
    TRANSITIONS,
    OrderPaymentStatus,
    Payment,
    PaymentStatus,
    balance_due_minor,
    order_payment_status,
    refund_result,
)


def payment(status: PaymentStatus, captured: int = 0, refunded: int = 0) -> Payment:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Payment(
        id=uuid7(),
        order_id=uuid7(),
        order_number="PN-1",
        customer_id=uuid7(),
        status=status,
        amount_minor=100,
        authorized_minor=100,
        captured_minor=captured,
        refunded_minor=refunded,
        currency="USD",
        card_brand=None,
        card_last4=None,
        decline_code=None,
        provider_ref=None,
        created_at=now,
        updated_at=now,
        version=1,
    )


S, Axis = PaymentStatus, OrderPaymentStatus


@pytest.mark.parametrize(
    ("payments", "expected", "due"),
    [
        ([], Axis.UNPAID, 100),
        ([payment(S.REQUIRES_METHOD)], Axis.UNPAID, 100),
        ([payment(S.AUTHORIZED)], Axis.AUTHORIZED, 100),
        ([payment(S.CAPTURED, 100)], Axis.PAID, 0),
        ([payment(S.CAPTURED, 60)], Axis.PARTIALLY_PAID, 40),
        ([payment(S.PARTIALLY_REFUNDED, 100, 40)], Axis.PARTIALLY_REFUNDED, 0),
        ([payment(S.REFUNDED, 100, 100)], Axis.REFUNDED, 0),
        ([payment(S.VOIDED)], Axis.VOIDED, 100),
        ([payment(S.VOIDED), payment(S.CAPTURED, 100)], Axis.PAID, 0),
    ],
)
def test_the_payment_axis_of_an_order_follows_from_its_payments(
    payments: list[Payment], expected: OrderPaymentStatus, due: int
) -> None:
    assert order_payment_status(payments, 100) is expected
    assert balance_due_minor(payments, 100) == due


@pytest.mark.parametrize("kind", EntryKind)
def test_every_entry_balances(kind: EntryKind) -> None:
    assert sum(posting.amount_minor for posting in postings(kind, 1234)) == 0


def test_after_capture_and_full_refund_every_account_is_as_before() -> None:
    balance = dict.fromkeys(Account, 0)
    for kind in (EntryKind.AUTHORIZATION, EntryKind.CAPTURE, EntryKind.REFUND):
        for posting in postings(kind, 500):
            balance[posting.account] += posting.amount_minor
    assert balance == dict.fromkeys(Account, 0)


def test_every_status_is_reachable_and_the_ends_are_ends() -> None:
    reached = {status for targets in TRANSITIONS.values() for status in targets}
    assert reached | {S.REQUIRES_METHOD} == set(S)
    assert {status for status, targets in TRANSITIONS.items() if not targets} == {*DEAD, S.REFUNDED}


def test_a_refund_is_partial_until_all_went_back() -> None:
    assert [refund_result(100, refunded) for refunded in (0, 99, 100)] == [S.CAPTURED, S.PARTIALLY_REFUNDED, S.REFUNDED]


def test_every_decline_of_the_sandbox_has_words_that_tell_a_thief_nothing() -> None:
    codes = {card.decline_code for card in SANDBOX_CARDS.values() if card.decline_code}
    assert codes | RETRYABLE_DECLINES == set(DECLINE_MESSAGES)
    assert DECLINE_MESSAGES["stolen_card"] == DECLINE_MESSAGES["lost_card"] == DECLINE_MESSAGES["generic_decline"]


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInput("no", ["amount"]),
        errors.NotFound("no"),
        errors.PaymentDeclined("no", ["paymentMethodToken"], "lost_card", False),
        errors.OrderNotPayable("no", ["orderId"], "ord_1"),
    ],
)
def test_a_stored_refusal_is_raised_again_as_it_was(error: errors.PaymentError) -> None:
    with pytest.raises(type(error)) as raised:
        errors.PaymentError.raise_if_refused(error.to_answer())
    assert vars(raised.value) == vars(error)

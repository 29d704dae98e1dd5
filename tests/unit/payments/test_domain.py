"""Rules of payments: the ledger balances, and the axis of an order follows from its payments."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import uuid7
from subgraphs.payments import errors
from subgraphs.payments.domain.declines import DECLINE_MESSAGES, RETRYABLE_DECLINES, decline_message
from subgraphs.payments.domain.ledger import Account, Entry, EntryKind, postings
from subgraphs.payments.domain.provider import (
    Action,
    Charge,
    ChargeState,
    Dispute,
    DisputeStatus,
    PaymentMethodKind,
)
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
from subgraphs.payments.domain.steps import ATTEMPTS_MAX, refunded, settle, superseded
from subgraphs.payments.domain.tokens import holds_card_number, is_token
from subgraphs.payments.settings import refund_limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ATTEMPT = uuid7()


def payment(status: PaymentStatus, captured: int = 0, refunded: int = 0) -> Payment:
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
        method_kind=PaymentMethodKind.CARD,
        card_brand=None,
        card_last4=None,
        exp_month=None,
        exp_year=None,
        decline_code=None,
        provider_ref=None,
        attempt_id=ATTEMPT,
        attempt_count=1,
        action_url=None,
        action_expires_at=None,
        dispute_status=None,
        disputed_minor=0,
        created_at=NOW,
        updated_at=NOW,
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
@pytest.mark.parametrize("is_cash", [False, True])
def test_every_entry_balances(kind: EntryKind, is_cash: bool) -> None:
    assert sum(posting.amount_minor for posting in postings(Entry(kind, 1234, "ref", is_cash))) == 0


def test_after_capture_and_full_refund_every_account_is_as_before() -> None:
    balance = dict.fromkeys(Account, 0)
    for kind in (EntryKind.AUTHORIZATION, EntryKind.CAPTURE, EntryKind.REFUND):
        for posting in postings(Entry(kind, 500, "ref")):
            balance[posting.account] += posting.amount_minor
    assert balance == dict.fromkeys(Account, 0)


def test_every_status_is_reachable_and_the_ends_are_ends() -> None:
    reached = {status for targets in TRANSITIONS.values() for status in targets}
    assert reached | {S.REQUIRES_METHOD} == set(S)
    assert {status for status, targets in TRANSITIONS.items() if not targets} == {*DEAD, S.REFUNDED}


def test_a_refund_is_partial_until_all_went_back() -> None:
    assert [refund_result(100, refunded) for refunded in (0, 99, 100)] == [S.CAPTURED, S.PARTIALLY_REFUNDED, S.REFUNDED]


def charge(state: ChargeState, captured: int = 0, dispute: DisputeStatus | None = None) -> Charge:
    """A dispute is about all that was captured."""
    return Charge(
        reference="pi_1",
        state=state,
        amount_minor=100,
        captured_minor=captured if state is ChargeState.CAPTURED else 0,
        refunded_minor=0,
        means=None,
        decline_code="generic_decline" if state is ChargeState.DECLINED else None,
        action=Action("https://bank.example", NOW) if state is ChargeState.ACTION_REQUIRED else None,
        attempt_id=ATTEMPT,
        dispute=Dispute(dispute, captured) if dispute and state is ChargeState.CAPTURED else None,
    )


charges = st.builds(charge, st.sampled_from(ChargeState), st.integers(1, 100), st.sampled_from([None, *DisputeStatus]))


#: from -> to, of what a bank has decided or said
DISPUTES_GOING_BACK = {
    (DisputeStatus.WON, DisputeStatus.LOST),
    (DisputeStatus.LOST, DisputeStatus.WON),
    *((known, DisputeStatus.OPEN) for known in (DisputeStatus.WON, DisputeStatus.LOST)),
    *((known, None) for known in DisputeStatus),
}


@given(st.lists(charges, max_size=12))
def test_whatever_is_heard_of_a_charge_and_however_often_a_payment_takes_legal_steps_forward(
    heard: list[Charge],
) -> None:
    now = replace(payment(S.PROCESSING), authorized_minor=0)
    booked = dict.fromkeys(Account, 0)
    for each in heard:
        for step in settle(now, each, NOW):
            after = step.after
            assert after.status is now.status or after.status in TRANSITIONS[now.status]
            assert after.version == now.version + max(1, len(step.told))
            assert (now.dispute_status, after.dispute_status) not in DISPUTES_GOING_BACK
            assert [told.version for _, told in step.told] == sorted(
                range(now.version + 1, after.version + 1)[-len(step.told) :] if step.told else []
            )
            for entry in step.entries:
                for posting in postings(entry):
                    booked[posting.account] += posting.amount_minor
            now = after
        assert settle(now, each, NOW) == ()
    assert sum(booked.values()) == 0
    kept_back = now.disputed_minor if now.dispute_status in (DisputeStatus.OPEN, DisputeStatus.LOST) else 0
    assert booked[Account.PROVIDER_BALANCE] == now.captured_minor - kept_back
    assert booked[Account.DISPUTED] == (now.disputed_minor if now.dispute_status is DisputeStatus.OPEN else 0)
    assert booked[Account.CHARGEBACKS] == (now.disputed_minor if now.dispute_status is DisputeStatus.LOST else 0)
    held = now.authorized_minor if now.status is S.AUTHORIZED else 0
    assert booked[Account.CUSTOMER_HOLD] == held


def test_what_is_heard_of_an_earlier_attempt_changes_nothing() -> None:
    earlier = replace(charge(ChargeState.AUTHORIZED), attempt_id=uuid7())
    assert settle(payment(S.PROCESSING), earlier, NOW) == ()


def test_a_dispute_that_is_decided_when_it_is_first_heard_of_is_booked_as_begun_and_as_decided() -> None:
    taken = replace(payment(S.CAPTURED, 100), provider_ref="pi_1")
    steps = settle(taken, charge(ChargeState.CAPTURED, 100, DisputeStatus.LOST), NOW)
    assert [step.told[0][0] for step in steps] == ["disputed", "dispute_lost"]
    assert [entry.kind for step in steps for entry in step.entries] == [EntryKind.DISPUTE, EntryKind.DISPUTE_LOST]


def test_an_attempt_that_was_given_up_moves_its_payment_no_more() -> None:
    asked = replace(payment(S.REQUIRES_ACTION), action_url="https://bank.example", action_expires_at=NOW)
    step = superseded(asked, NOW)
    assert (step.after.status, step.after.action_url, step.told, step.entries) == (S.REQUIRES_METHOD, None, (), ())
    # the other one is under way when the customer approves
    other = replace(step.after, status=S.PROCESSING, attempt_id=uuid7(), provider_ref=None)
    assert settle(other, charge(ChargeState.AUTHORIZED), NOW) == ()


def test_after_so_many_declined_cards_a_payment_has_failed() -> None:
    tried = replace(payment(S.PROCESSING), attempt_count=ATTEMPTS_MAX)
    (step,) = settle(tried, charge(ChargeState.DECLINED), NOW)
    assert (step.after.status, [what for what, _ in step.told]) == (S.FAILED, ["failed"])


def test_money_that_comes_by_itself_is_told_as_authorised_and_as_captured() -> None:
    (step,) = settle(replace(payment(S.PROCESSING), authorized_minor=0), charge(ChargeState.CAPTURED, 100), NOW)
    assert [(what, told.status, told.version) for what, told in step.told] == [
        ("authorized", S.AUTHORIZED, 2),
        ("captured", S.CAPTURED, 3),
    ]
    assert [entry.kind for entry in step.entries] == [EntryKind.AUTHORIZATION, EntryKind.CAPTURE]


def test_a_refund_of_cash_comes_out_of_the_cash() -> None:
    paid = replace(payment(S.CAPTURED, 100), method_kind=PaymentMethodKind.CASH_ON_DELIVERY)
    (entry,) = refunded(paid, 40, "rfd", NOW).entries
    assert {posting.account for posting in postings(entry)} == {Account.CASH, Account.SALES}


def test_a_thief_is_not_told_that_a_card_is_stolen() -> None:
    assert decline_message("stolen_card") == decline_message("lost_card") == DECLINE_MESSAGES["generic_decline"]
    assert set(DECLINE_MESSAGES) >= RETRYABLE_DECLINES


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("tok_visa", True),
        ("pm_01h455vb4pex5vsknk084sn02q", True),
        ("4242424242424242", False),
        ("tok_4242424242424242", False),
        ("tok_visa\n", False),
        ("", False),
    ],
)
def test_a_token_is_a_name_and_never_a_card_number(text: str, is_one: bool) -> None:
    assert is_token(text) is is_one


def test_card_numbers_are_found_in_text_and_other_numbers_are_left_alone() -> None:
    assert holds_card_number("my card is 4242 4242-4242 4242, thanks")
    assert not holds_card_number("order 20260101123456 of 4242424242424241")


def test_a_refund_limit_is_an_amount_of_money() -> None:
    assert refund_limits("USD:200.00, JPY:30000") == {"USD": 20_000, "JPY": 30_000}
    with pytest.raises(ValueError, match="refund limit"):
        refund_limits("USD:lots")


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInput("no", ["amount"]),
        errors.NotFound("no"),
        errors.PaymentDeclined("no", ["paymentMethodToken"], "lost_card", False),
        errors.OrderNotPayable("no", ["orderId"], "ord_1"),
        errors.RefundLimitExceeded("no", ["amount"], 100, "USD"),
    ],
)
def test_a_stored_refusal_is_raised_again_as_it_was(error: errors.PaymentError) -> None:
    with pytest.raises(type(error)) as raised:
        errors.PaymentError.raise_if_refused(error.to_answer())
    assert vars(raised.value) == vars(error)

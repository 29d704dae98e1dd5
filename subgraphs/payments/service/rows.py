"""Rows -> records."""

from common.subgraph.database import Row
from subgraphs.payments.domain.provider import Attempt, DisputeStatus, Means, PaymentMethodKind
from subgraphs.payments.domain.status import Payment, PaymentStatus, Refund, RefundStatus, SavedMethod

PAYMENT_COLUMNS = """id, order_id, order_number, customer_id, status, amount_minor, authorized_minor, captured_minor,
    refunded_minor, currency, method_kind, card_brand, card_last4, exp_month, exp_year, decline_code, provider_ref,
    attempt_id, attempt_count, action_url, action_expires_at, dispute_status, disputed_minor, created_at, updated_at,
    version"""
REFUND_COLUMNS = "id, payment_id, amount_minor, currency, status, reason, created_at"
METHOD_COLUMNS = """id, customer_id, kind, token, brand, last4, exp_month, exp_year, funding, fingerprint, is_default,
    created_at"""


def columns_of(table: str, columns: str) -> str:
    """The columns with the table's name before each."""
    return ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))


def payment_of(row: Row) -> Payment:
    return Payment(
        id=row["id"],
        order_id=row["order_id"],
        order_number=row["order_number"],
        customer_id=row["customer_id"],
        status=PaymentStatus(row["status"]),
        amount_minor=row["amount_minor"],
        authorized_minor=row["authorized_minor"],
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        currency=row["currency"],
        method_kind=PaymentMethodKind(row["method_kind"]),
        card_brand=row["card_brand"],
        card_last4=row["card_last4"],
        exp_month=row["exp_month"],
        exp_year=row["exp_year"],
        decline_code=row["decline_code"],
        provider_ref=row["provider_ref"],
        attempt_id=row["attempt_id"],
        attempt_count=row["attempt_count"],
        action_url=row["action_url"],
        action_expires_at=row["action_expires_at"],
        dispute_status=DisputeStatus(row["dispute_status"]) if row["dispute_status"] else None,
        disputed_minor=row["disputed_minor"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def refund_of(row: Row) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        status=RefundStatus(row["status"]),
        reason=row["reason"],
        created_at=row["created_at"],
    )


def method_of(row: Row) -> SavedMethod:
    return SavedMethod(
        id=row["id"],
        customer_id=row["customer_id"],
        token=row["token"],
        means=Means(
            kind=PaymentMethodKind(row["kind"]),
            brand=row["brand"],
            last4=row["last4"],
            exp_month=row["exp_month"],
            exp_year=row["exp_year"],
            funding=row["funding"],
            fingerprint=row["fingerprint"],
        ),
        is_default=row["is_default"],
        created_at=row["created_at"],
    )


def attempt_of(payment: Payment, row: Row) -> Attempt:
    return Attempt(
        id=row["tried_id"],
        payment_id=payment.id,
        order_id=payment.order_id,
        token=row["token"],
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        saves_method=row["saves_method"],
    )

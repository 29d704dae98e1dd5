"""Tables of payments and their ledger. No card data: what is known of a card is its brand and last four digits.

Constraints and triggers are written in SQL in `migrations/0002_rules.py`: Tortoise does not create them from models.
"""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from common.events.models import DeadLetterModel, InboxModel, OutboxModel
from common.subgraph.idempotency import IdempotencyModel


class Payment(Model):
    id = fields.UUIDField(primary_key=True)
    order_id = fields.UUIDField(db_index=True)
    order_number = fields.CharField(max_length=20)
    customer_id = fields.UUIDField()
    status = fields.CharField(max_length=24)
    amount_minor = fields.BigIntField()
    authorized_minor = fields.BigIntField(db_default=0)
    captured_minor = fields.BigIntField(db_default=0)
    refunded_minor = fields.BigIntField(db_default=0)
    currency = fields.CharField(max_length=3)
    card_brand = fields.CharField(max_length=32, null=True)
    card_last4 = fields.CharField(max_length=4, null=True)
    decline_code = fields.CharField(max_length=64, null=True)
    #: the provider's id of the charge that was authorised
    provider_ref = fields.CharField(max_length=64, null=True, unique=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    version = fields.IntField(db_default=1)

    class Meta:
        table = "payment"
        indexes = (Index(fields=("status", "updated_at"), name="payment_by_status"),)


class PaymentAttempt(Model):
    """One try to authorise; its id is the key under which the provider knows it."""

    id = fields.UUIDField(primary_key=True)
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField(
        "payments.Payment", on_delete=fields.RESTRICT, db_index=True
    )
    #: an opaque name of the means of payment, never card data
    token = fields.CharField(max_length=100)
    #: OPEN, AUTHORIZED or DECLINED
    state = fields.CharField(max_length=16)
    decline_code = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "payment_attempt"
        indexes = (Index(fields=("state", "created_at"), name="payment_attempt_by_state"),)


class ProviderTask(Model):
    """What the provider still has to be asked: a row for each call whose outcome is not written yet."""

    id = fields.UUIDField(primary_key=True)
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField(
        "payments.Payment", on_delete=fields.RESTRICT, db_index=True
    )
    #: AUTHORIZE, CAPTURE, VOID or REFUND
    kind = fields.CharField(max_length=16)
    #: the attempt or refund it is about; the payment itself for CAPTURE and VOID
    subject_id = fields.UUIDField()
    attempts = fields.IntField(db_default=0)
    next_at = fields.DatetimeField(db_index=True)
    last_error = fields.TextField(null=True)

    class Meta:
        table = "provider_task"
        unique_together = (("kind", "subject_id"),)


class Refund(Model):
    id = fields.UUIDField(primary_key=True)
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField(
        "payments.Payment", on_delete=fields.RESTRICT, db_index=True
    )
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    status = fields.CharField(max_length=16)
    reason = fields.CharField(max_length=500, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "refund"


class LedgerPosting(Model):
    """Append-only, double entry: the postings of one `entry_id` sum to zero."""

    id = fields.UUIDField(primary_key=True)
    entry_id = fields.UUIDField(db_index=True)
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField(
        "payments.Payment", on_delete=fields.RESTRICT, db_index=True
    )
    kind = fields.CharField(max_length=16)
    account = fields.CharField(max_length=24)
    #: debit positive
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    #: what the movement is about at the provider: with kind and account unique, so no movement is booked twice
    provider_ref = fields.CharField(max_length=100)
    created_at = fields.DatetimeField()

    class Meta:
        table = "ledger_posting"
        unique_together = (("provider_ref", "kind", "account"),)


class SandboxCharge(Model):
    """The sandbox provider's own ledger: an independent witness of what was charged."""

    reference = fields.CharField(max_length=64, primary_key=True)
    #: key of the request that made it
    request_key = fields.CharField(max_length=100, unique=True)
    state = fields.CharField(max_length=16)
    amount_minor = fields.BigIntField()
    captured_minor = fields.BigIntField(db_default=0)
    refunded_minor = fields.BigIntField(db_default=0)
    currency = fields.CharField(max_length=3)
    card_brand = fields.CharField(max_length=32, null=True)
    card_last4 = fields.CharField(max_length=4, null=True)
    decline_code = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "sandbox_charge"


class SandboxRefund(Model):
    request_key = fields.CharField(max_length=100, primary_key=True)
    charge: fields.ForeignKeyRelation[SandboxCharge] = fields.ForeignKeyField(
        "payments.SandboxCharge", on_delete=fields.RESTRICT
    )
    amount_minor = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "sandbox_refund"


class Idempotency(IdempotencyModel):
    class Meta(IdempotencyModel.Meta):
        abstract = False


class Outbox(OutboxModel):
    class Meta(OutboxModel.Meta):
        abstract = False


class Inbox(InboxModel):
    class Meta(InboxModel.Meta):
        abstract = False


class DeadLetter(DeadLetterModel):
    class Meta(DeadLetterModel.Meta):
        abstract = False

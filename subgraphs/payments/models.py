"""Tables of payments and their ledger. No card data: what is known of a card is its brand and last four digits.

Constraints and triggers are written in SQL in `migrations/`, in 0002, 0004 and 0005, and the index by customer in 0006:
Tortoise does not create them from models.
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
    #: CARD, WALLET, BANK_TRANSFER or CASH_ON_DELIVERY
    method_kind = fields.CharField(max_length=20, db_default="CARD")
    exp_month = fields.IntField(null=True)
    exp_year = fields.IntField(null=True)
    #: the present attempt
    attempt_id = fields.UUIDField(null=True)
    attempt_count = fields.IntField(db_default=1)
    #: while REQUIRES_ACTION: where the customer confirms
    action_url = fields.CharField(max_length=1000, null=True)
    action_expires_at = fields.DatetimeField(null=True)
    #: OPEN, WON or LOST; null: nobody has disputed it
    dispute_status = fields.CharField(max_length=8, null=True)
    #: what the provider kept back when the dispute began
    disputed_minor = fields.BigIntField(db_default=0)
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
    #: whether the means of payment is kept if it works
    saves_method = fields.BooleanField(db_default=False)
    #: OPEN, AUTHORIZED, DECLINED or SUPERSEDED
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
    #: AUTHORIZE, CAPTURE, VOID, REFUND or ABANDON
    kind = fields.CharField(max_length=16)
    #: the attempt or refund it is about; the payment itself for CAPTURE and VOID
    subject_id = fields.UUIDField()
    #: for CAPTURE: how much; null for all of it
    amount_minor = fields.BigIntField(null=True)
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
    #: who asked for it; null: an order that was cancelled
    requested_by = fields.CharField(max_length=100, null=True)
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


class PaymentMethod(Model):
    """A means of payment that a customer keeps: a token of the provider, and what people recognise it by."""

    id = fields.UUIDField(primary_key=True)
    customer_id = fields.UUIDField(db_index=True)
    kind = fields.CharField(max_length=20)
    #: names it at the provider; no card data
    token = fields.CharField(max_length=100)
    brand = fields.CharField(max_length=32)
    last4 = fields.CharField(max_length=4)
    exp_month = fields.IntField()
    exp_year = fields.IntField()
    funding = fields.CharField(max_length=20)
    #: the same for every token of one card; made by the provider under a key we do not know
    fingerprint = fields.CharField(max_length=64)
    is_default = fields.BooleanField(db_default=False)
    created_at = fields.DatetimeField()
    #: set: nobody sees it any more, and the provider is being told
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "payment_method"


class ErasedCustomer(Model):
    """Who was erased lately: what payments under way still write down about them is forgotten as well."""

    #: the user's
    id = fields.UUIDField(primary_key=True)
    erased_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "erased_customer"


class WebhookEvent(Model):
    """What the provider told us, each message once, until it was acted upon."""

    #: the provider's id of the message
    id = fields.CharField(max_length=255, primary_key=True)
    type = fields.CharField(max_length=100)
    #: the charge it is about: its state is read anew, not taken from the message
    reference = fields.CharField(max_length=100)
    received_at = fields.DatetimeField()
    attempts = fields.IntField(db_default=0)
    #: null: done
    next_at = fields.DatetimeField(null=True)

    class Meta:
        table = "webhook_event"


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

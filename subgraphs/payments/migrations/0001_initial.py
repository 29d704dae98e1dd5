from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from common.events.models import ConditionalIndex


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    fields.UUIDField(
                        primary_key=True, default=uuid4, unique=True, db_index=True, description="a UUIDv7"
                    ),
                ),
                ("consumer", fields.CharField(max_length=100)),
                ("event_id", fields.UUIDField(null=True, description="null when the bytes were no event")),
                ("subject", fields.CharField(max_length=400)),
                (
                    "event",
                    fields.TextField(
                        description="the event as it came, JSON text (invalid bytes replaced)", unique=False
                    ),
                ),
                ("error", fields.TextField(unique=False)),
                ("trace_id", fields.CharField(max_length=32)),
                ("attempts", fields.IntField()),
                (
                    "state",
                    fields.CharField(
                        description="DEAD, REPLAY (somebody asked for another try) or RESOLVED", max_length=10
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "dead_letter",
                "app": "payments",
                "unique_together": (("consumer", "event_id"),),
                "indexes": [Index(fields=["state", "consumer"], name="dead_letter_state")],
                "pk_attr": "id",
            },
            bases=["DeadLetterModel"],
        ),
        ops.CreateModel(
            name="Idempotency",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "scope",
                    fields.CharField(description="user and operation: keys of two users never meet", max_length=200),
                ),
                ("key", fields.CharField(max_length=255)),
                ("request_hash", fields.CharField(max_length=64)),
                ("answer", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "idempotency",
                "app": "payments",
                "unique_together": (("scope", "key"),),
                "pk_attr": "id",
            },
            bases=["IdempotencyModel"],
        ),
        ops.CreateModel(
            name="Inbox",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("consumer", fields.CharField(max_length=100)),
                ("event_id", fields.UUIDField()),
                ("aggregate_id", fields.CharField(max_length=100)),
                ("aggregate_version", fields.BigIntField()),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "inbox",
                "app": "payments",
                "unique_together": (("consumer", "event_id"),),
                "indexes": [
                    Index(fields=["consumer", "aggregate_id", "aggregate_version"], name="inbox_versions"),
                    Index(fields=["received_at"], name="inbox_received"),
                ],
                "pk_attr": "id",
            },
            bases=["InboxModel"],
        ),
        ops.CreateModel(
            name="Outbox",
            fields=[
                (
                    "seq",
                    fields.BigIntField(
                        generated=True,
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="order in which events were recorded; not the order of their commits",
                    ),
                ),
                ("event_id", fields.UUIDField(unique=True)),
                ("type", fields.CharField(max_length=200)),
                ("aggregate_id", fields.CharField(max_length=100)),
                ("aggregate_version", fields.BigIntField()),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("metadata", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("occurred_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "published_at",
                    fields.DatetimeField(
                        null=True,
                        description="null until JetStream has acknowledged it",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "outbox",
                "app": "payments",
                "indexes": [
                    ConditionalIndex(fields=["seq"], name="outbox_unpublished", condition="published_at IS NULL"),
                    ConditionalIndex(
                        fields=["published_at"], name="outbox_published", condition="published_at IS NOT NULL"
                    ),
                ],
                "pk_attr": "seq",
            },
            bases=["OutboxModel"],
        ),
        ops.CreateModel(
            name="Payment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("order_id", fields.UUIDField(db_index=True)),
                ("order_number", fields.CharField(max_length=20)),
                ("customer_id", fields.UUIDField()),
                ("status", fields.CharField(max_length=24)),
                ("amount_minor", fields.BigIntField()),
                ("authorized_minor", fields.BigIntField(db_default=0)),
                ("captured_minor", fields.BigIntField(db_default=0)),
                ("refunded_minor", fields.BigIntField(db_default=0)),
                ("currency", fields.CharField(max_length=3)),
                ("card_brand", fields.CharField(null=True, max_length=32)),
                ("card_last4", fields.CharField(null=True, max_length=4)),
                ("decline_code", fields.CharField(null=True, max_length=64)),
                (
                    "provider_ref",
                    fields.CharField(
                        null=True,
                        unique=True,
                        description="the provider's id of the charge that was authorised",
                        max_length=64,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(db_default=1)),
            ],
            options={
                "table": "payment",
                "app": "payments",
                "indexes": [Index(fields=["status", "updated_at"], name="payment_by_status")],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LedgerPosting",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("entry_id", fields.UUIDField(db_index=True)),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "payments.Payment",
                        source_field="payment_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.CharField(max_length=16)),
                ("account", fields.CharField(max_length=24)),
                ("amount_minor", fields.BigIntField(description="debit positive")),
                ("currency", fields.CharField(max_length=3)),
                (
                    "provider_ref",
                    fields.CharField(
                        description="what the movement is about at the provider: with kind and account unique, so no movement is booked twice",
                        max_length=100,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "ledger_posting",
                "app": "payments",
                "unique_together": (("provider_ref", "kind", "account"),),
                "pk_attr": "id",
                "table_description": "Append-only, double entry: the postings of one `entry_id` sum to zero.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PaymentAttempt",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "payments.Payment",
                        source_field="payment_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "token",
                    fields.CharField(
                        description="an opaque name of the means of payment, never card data", max_length=100
                    ),
                ),
                ("state", fields.CharField(description="OPEN, AUTHORIZED or DECLINED", max_length=16)),
                ("decline_code", fields.CharField(null=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "payment_attempt",
                "app": "payments",
                "indexes": [Index(fields=["state", "created_at"], name="payment_attempt_by_state")],
                "pk_attr": "id",
                "table_description": "One try to authorise; its id is the key under which the provider knows it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProviderTask",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "payments.Payment",
                        source_field="payment_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.CharField(description="AUTHORIZE, CAPTURE, VOID or REFUND", max_length=16)),
                (
                    "subject_id",
                    fields.UUIDField(
                        description="the attempt or refund it is about; the payment itself for CAPTURE and VOID"
                    ),
                ),
                ("attempts", fields.IntField(db_default=0)),
                ("next_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("last_error", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "provider_task",
                "app": "payments",
                "unique_together": (("kind", "subject_id"),),
                "pk_attr": "id",
                "table_description": "What the provider still has to be asked: a row for each call whose outcome is not written yet.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Refund",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "payments.Payment",
                        source_field="payment_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("status", fields.CharField(max_length=16)),
                ("reason", fields.CharField(null=True, max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "refund", "app": "payments", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SandboxCharge",
            fields=[
                ("reference", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                (
                    "request_key",
                    fields.CharField(unique=True, description="key of the request that made it", max_length=100),
                ),
                ("state", fields.CharField(max_length=16)),
                ("amount_minor", fields.BigIntField()),
                ("captured_minor", fields.BigIntField(db_default=0)),
                ("refunded_minor", fields.BigIntField(db_default=0)),
                ("currency", fields.CharField(max_length=3)),
                ("card_brand", fields.CharField(null=True, max_length=32)),
                ("card_last4", fields.CharField(null=True, max_length=4)),
                ("decline_code", fields.CharField(null=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sandbox_charge",
                "app": "payments",
                "pk_attr": "reference",
                "table_description": "The sandbox provider's own ledger: an independent witness of what was charged.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SandboxRefund",
            fields=[
                ("request_key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=100)),
                (
                    "charge",
                    fields.ForeignKeyField(
                        "payments.SandboxCharge",
                        source_field="charge_id",
                        db_constraint=True,
                        to_field="reference",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "sandbox_refund", "app": "payments", "pk_attr": "request_key"},
            bases=["Model"],
        ),
    ]

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_rules")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PaymentMethod",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("customer_id", fields.UUIDField(db_index=True)),
                ("kind", fields.CharField(max_length=20)),
                ("token", fields.CharField(description="names it at the provider; no card data", max_length=100)),
                ("brand", fields.CharField(max_length=32)),
                ("last4", fields.CharField(max_length=4)),
                ("exp_month", fields.IntField()),
                ("exp_year", fields.IntField()),
                ("funding", fields.CharField(max_length=20)),
                (
                    "fingerprint",
                    fields.CharField(
                        description="the same for every token of one card; made by the provider under a key we do not know",
                        max_length=64,
                    ),
                ),
                ("is_default", fields.BooleanField(db_default=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "deleted_at",
                    fields.DatetimeField(
                        null=True,
                        description="set: nobody sees it any more, and the provider is being told",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "payment_method",
                "app": "payments",
                "pk_attr": "id",
                "table_description": "A means of payment that a customer keeps: a token of the provider, and what people recognise it by.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookEvent",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="the provider's id of the message",
                        max_length=255,
                    ),
                ),
                ("type", fields.CharField(max_length=100)),
                (
                    "reference",
                    fields.CharField(
                        description="the charge it is about: its state is read anew, not taken from the message",
                        max_length=100,
                    ),
                ),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField(db_default=0)),
                (
                    "next_at",
                    fields.DatetimeField(null=True, description="null: done", auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "webhook_event",
                "app": "payments",
                "pk_attr": "id",
                "table_description": "What the provider told us, each message once, until it was acted upon.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Payment",
            name="action_expires_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Payment",
            name="action_url",
            field=fields.CharField(
                null=True, description="while REQUIRES_ACTION: where the customer confirms", max_length=1000
            ),
        ),
        ops.AddField(
            model_name="Payment",
            name="attempt_count",
            field=fields.IntField(db_default=1),
        ),
        ops.AddField(
            model_name="Payment",
            name="attempt_id",
            field=fields.UUIDField(null=True, description="the present attempt"),
        ),
        ops.AddField(
            model_name="Payment",
            name="exp_month",
            field=fields.IntField(null=True),
        ),
        ops.AddField(
            model_name="Payment",
            name="exp_year",
            field=fields.IntField(null=True),
        ),
        ops.AddField(
            model_name="Payment",
            name="is_disputed",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Payment",
            name="method_kind",
            field=fields.CharField(
                description="CARD, WALLET, BANK_TRANSFER or CASH_ON_DELIVERY", db_default="CARD", max_length=20
            ),
        ),
        ops.AddField(
            model_name="PaymentAttempt",
            name="saves_method",
            field=fields.BooleanField(description="whether the means of payment is kept if it works", db_default=False),
        ),
        ops.AddField(
            model_name="ProviderTask",
            name="amount_minor",
            field=fields.BigIntField(null=True, description="for CAPTURE: how much; null for all of it"),
        ),
        ops.AddField(
            model_name="Refund",
            name="requested_by",
            field=fields.CharField(
                null=True, description="who asked for it; null: an order that was cancelled", max_length=100
            ),
        ),
        ops.DeleteModel(name="SandboxRefund"),
        ops.DeleteModel(name="SandboxCharge"),
    ]

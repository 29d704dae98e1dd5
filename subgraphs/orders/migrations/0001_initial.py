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
            name="Cart",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("customer_id", fields.UUIDField(unique=True)),
                ("version", fields.IntField(db_default=1)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "cart", "app": "orders", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CartLine",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "cart",
                    fields.ForeignKeyField(
                        "orders.Cart",
                        source_field="cart_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("product_id", fields.UUIDField()),
                ("quantity", fields.IntField()),
            ],
            options={
                "table": "cart_line",
                "app": "orders",
                "unique_together": (("cart_id", "product_id"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
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
                "app": "orders",
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
            options={"table": "idempotency", "app": "orders", "unique_together": (("scope", "key"),), "pk_attr": "id"},
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
                "app": "orders",
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
            name="Order",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("number", fields.CharField(unique=True, max_length=20)),
                ("customer_id", fields.UUIDField()),
                ("status", fields.CharField(max_length=20)),
                ("fulfillment_status", fields.CharField(max_length=20)),
                ("currency", fields.CharField(max_length=3)),
                ("subtotal_minor", fields.BigIntField()),
                ("shipping_minor", fields.BigIntField()),
                ("tax_minor", fields.BigIntField()),
                ("total_minor", fields.BigIntField()),
                ("shipping_address", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("cancel_reason", fields.CharField(null=True, max_length=24)),
                ("reservation_expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("placed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(db_default=1)),
            ],
            options={
                "table": "orders",
                "app": "orders",
                "indexes": [
                    Index(fields=["customer_id", "id"], name="orders_of_customer"),
                    Index(fields=["status", "id"], name="orders_by_status"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Fulfillment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "order",
                    fields.ForeignKeyField(
                        "orders.Order",
                        source_field="order_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("carrier", fields.CharField(null=True, max_length=100)),
                ("tracking_number", fields.CharField(null=True, max_length=100)),
                ("shipped_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("delivered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "fulfillment", "app": "orders", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderHistory",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "order",
                    fields.ForeignKeyField(
                        "orders.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField(description="version of the order after the step")),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("from_status", fields.CharField(null=True, max_length=20)),
                ("to_status", fields.CharField(max_length=20)),
                ("actor", fields.CharField(max_length=64)),
                ("correlation_id", fields.CharField(max_length=64)),
                ("trace_id", fields.CharField(null=True, max_length=32)),
            ],
            options={
                "table": "order_history",
                "app": "orders",
                "unique_together": (("order_id", "version"),),
                "pk_attr": "id",
                "table_description": "Append-only: how each order came to its status.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderLine",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "order",
                    fields.ForeignKeyField(
                        "orders.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField()),
                ("product_id", fields.UUIDField()),
                ("sku", fields.CharField(max_length=64)),
                ("name", fields.CharField(max_length=200)),
                ("quantity", fields.IntField()),
                ("unit_minor", fields.BigIntField()),
                ("expected_unit_minor", fields.BigIntField(null=True)),
                ("weight_grams", fields.IntField(db_default=0)),
            ],
            options={
                "table": "order_line",
                "app": "orders",
                "unique_together": (("order_id", "position"), ("order_id", "product_id")),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FulfillmentLine",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "fulfillment",
                    fields.ForeignKeyField(
                        "orders.Fulfillment",
                        source_field="fulfillment_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "order_line",
                    fields.ForeignKeyField(
                        "orders.OrderLine",
                        source_field="order_line_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("quantity", fields.IntField()),
            ],
            options={
                "table": "fulfillment_line",
                "app": "orders",
                "unique_together": (("fulfillment_id", "order_line_id"),),
                "pk_attr": "id",
            },
            bases=["Model"],
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
                "app": "orders",
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
            name="Saga",
            fields=[
                (
                    "order_id",
                    fields.UUIDField(
                        primary_key=True,
                        default=uuid4,
                        unique=True,
                        db_index=True,
                        description="a foreign key too, which the migration adds: Tortoise forgets that a relation is the primary key",
                    ),
                ),
                ("step", fields.CharField(description="RESERVE, AWAIT_PAYMENT, COMMIT or RELEASE", max_length=16)),
                ("attempts", fields.IntField(db_default=0)),
                ("next_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("payment_id", fields.UUIDField(null=True, description="the payment that asked for COMMIT")),
                ("last_error", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "saga",
                "app": "orders",
                "pk_attr": "order_id",
                "table_description": "What the house owes an order: a row for each order that is not at rest, taken by workers at `next_at`.",
            },
            bases=["Model"],
        ),
    ]

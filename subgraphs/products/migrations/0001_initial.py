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
            name="Category",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("slug", fields.CharField(unique=True, max_length=80)),
                ("name", fields.CharField(max_length=200)),
                ("position", fields.IntField(db_default=0)),
                (
                    "parent",
                    fields.ForeignKeyField(
                        "products.Category",
                        source_field="parent_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={"table": "category", "app": "products", "pk_attr": "id"},
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
                "app": "products",
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
                "app": "products",
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
                "app": "products",
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
                "app": "products",
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
            name="Product",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("sku", fields.CharField(unique=True, max_length=64)),
                ("slug", fields.CharField(unique=True, max_length=100)),
                ("name", fields.CharField(max_length=200)),
                ("description", fields.TextField(null=True, unique=False)),
                ("status", fields.CharField(max_length=16)),
                ("price_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("compare_at_minor", fields.BigIntField(null=True)),
                ("weight_grams", fields.IntField(db_default=0)),
                (
                    "category",
                    fields.ForeignKeyField(
                        "products.Category",
                        source_field="category_id",
                        null=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField(db_default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "product",
                "app": "products",
                "indexes": [
                    Index(fields=["status", "price_minor", "id"], name="product_by_price"),
                    Index(fields=["status", "name", "id"], name="product_by_name"),
                    Index(fields=["status", "id"], name="product_by_age"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Reservation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("order_id", fields.UUIDField()),
                (
                    "product",
                    fields.ForeignKeyField(
                        "products.Product",
                        source_field="product_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("quantity", fields.IntField()),
                ("shipped", fields.IntField(db_default=0)),
                ("unit_price_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("state", fields.CharField(max_length=16)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "reservation",
                "app": "products",
                "pk_attr": "id",
                "table_description": "Units of one product for one order, at the price they were promised for; `shipped` units have left the house.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Stock",
            fields=[
                (
                    "product_id",
                    fields.UUIDField(
                        primary_key=True,
                        default=uuid4,
                        unique=True,
                        db_index=True,
                        description="a foreign key too, which the migration adds: Tortoise forgets that a relation is the primary key",
                    ),
                ),
                ("on_hand", fields.IntField()),
                ("reserved", fields.IntField(db_default=0)),
                ("low_stock_threshold", fields.IntField(db_default=5)),
                (
                    "version",
                    fields.BigIntField(
                        description="grows with every change, so that consumers of stock events can tell old from new",
                        db_default=1,
                    ),
                ),
            ],
            options={"table": "stock", "app": "products", "pk_attr": "product_id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StockMovement",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "product",
                    fields.ForeignKeyField(
                        "products.Product",
                        source_field="product_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("reason", fields.CharField(description="InventoryReason, or INITIAL or SHIPPED", max_length=16)),
                ("delta", fields.IntField()),
                ("order_id", fields.UUIDField(null=True, description="the order whose goods were shipped")),
                ("actor", fields.CharField(max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "stock_movement",
                "app": "products",
                "pk_attr": "id",
                "table_description": "Every change of `on_hand`, append-only: the sum per product is `stock.on_hand` (law L1).",
            },
            bases=["Model"],
        ),
    ]

from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
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
                "app": "users",
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
            options={"table": "idempotency", "app": "users", "unique_together": (("scope", "key"),), "pk_attr": "id"},
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
                "app": "users",
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
                "app": "users",
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
            name="User",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=120)),
                ("email_sealed", fields.BinaryField()),
                (
                    "email_hash",
                    fields.CharField(
                        unique=True,
                        description="keyed hash of the address, in hex: finds it without storing it; its UNIQUE decides races of registrations",
                        max_length=64,
                    ),
                ),
                (
                    "password_hash",
                    fields.TextField(
                        null=True,
                        description="Argon2id in PHC form; null for an account without password",
                        unique=False,
                    ),
                ),
                ("status", fields.CharField(max_length=16)),
                ("roles", ArrayField(element_type="TEXT")),
                ("version", fields.IntField(db_default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_login_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "user_account",
                "app": "users",
                "indexes": [Index(fields=["created_at", "id"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerAddress",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "users.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="addresses",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("label", fields.CharField(null=True, max_length=60)),
                ("is_default", fields.BooleanField()),
                ("address_sealed", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "customer_address", "app": "users", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RefreshToken",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "users.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="refresh_tokens",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("family_id", fields.UUIDField(db_index=True)),
                (
                    "token_hash",
                    fields.CharField(
                        unique=True,
                        description="SHA-256 in hex of a random 256-bit token: nothing to guess, so no slow hash",
                        max_length=64,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "refresh_token",
                "app": "users",
                "pk_attr": "id",
                "table_description": "One link of a login's chain: using it marks it used and adds the next link of the same family.",
            },
            bases=["Model"],
        ),
    ]

from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from common.events.models import ConditionalIndex


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="ChannelPreference",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("user_id", fields.UUIDField()),
                ("channel", fields.CharField(max_length=8)),
                ("is_enabled", fields.BooleanField()),
            ],
            options={
                "table": "channel_preference",
                "app": "notifications",
                "unique_together": (("user_id", "channel"),),
                "pk_attr": "id",
                "table_description": "What a user said about a channel; a channel without a row is wanted.",
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
                "app": "notifications",
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
                "app": "notifications",
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
                "app": "notifications",
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
            name="Notification",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "event_id",
                    fields.UUIDField(
                        description="the event it tells about: one message per event and channel, however often the event arrives"
                    ),
                ),
                ("user_id", fields.UUIDField()),
                ("order_id", fields.UUIDField(null=True)),
                ("channel", fields.CharField(max_length=8)),
                ("template", fields.CharField(max_length=40)),
                ("title", fields.CharField(max_length=200)),
                ("body", fields.TextField(unique=False)),
                ("status", fields.CharField(max_length=12)),
                ("attempts", fields.IntField(db_default=0)),
                ("last_error", fields.TextField(null=True, unique=False)),
                (
                    "due_at",
                    fields.DatetimeField(
                        description="when a QUEUED message may leave", auto_now=False, auto_now_add=False
                    ),
                ),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "notification",
                "app": "notifications",
                "unique_together": (("event_id", "channel"),),
                "indexes": [
                    Index(fields=["user_id", "created_at", "id"], name="notification_user"),
                    ConditionalIndex(fields=["order_id"], name="notification_order", condition="order_id IS NOT NULL"),
                    ConditionalIndex(fields=["due_at"], name="notification_due", condition="status = 'QUEUED'"),
                    ConditionalIndex(
                        fields=["user_id"], name="notification_unread", condition="channel = 'PUSH' AND read_at IS NULL"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One message on one channel. Holds neither address nor name of its recipient.",
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
                "app": "notifications",
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
    ]

from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import UniqueConstraint

from common.events.models import ConditionalIndex


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    initial = False

    operations = [
        ops.CreateModel(
            name="DataKey",
            fields=[
                (
                    "subject",
                    fields.UUIDField(
                        primary_key=True,
                        default=uuid4,
                        unique=True,
                        db_index=True,
                        description="whom the sealed data are about: a user's id",
                    ),
                ),
                ("wrapped_key", fields.BinaryField()),
                (
                    "key_id",
                    fields.CharField(
                        db_index=True, description="id of the key-encryption key it is wrapped under", max_length=32
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "data_key", "app": "notifications", "pk_attr": "subject"},
            bases=["DataKeyModel"],
        ),
        ops.CreateModel(
            name="PushDevice",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("user_id", fields.UUIDField(db_index=True)),
                ("platform", fields.CharField(max_length=8)),
                ("token_sealed", fields.BinaryField()),
                (
                    "token_hash",
                    fields.CharField(
                        unique=True,
                        description="SHA-256 in hex of the token, which the provider made up: nothing to guess",
                        max_length=64,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "push_device",
                "app": "notifications",
                "pk_attr": "id",
                "table_description": "A device that wants messages.",
            },
            bases=["Model"],
        ),
        ops.RemoveConstraint(
            model_name="ChannelPreference",
            name=None,
            fields=["user_id", "channel"],
        ),
        ops.AlterModelOptions(
            name="ChannelPreference",
            options={
                "table": "channel_preference",
                "app": "notifications",
                "unique_together": (("user_id", "channel", "category"),),
                "pk_attr": "id",
                "table_description": "What a user said about a channel, of one category or of all; e-mail and the list in the shop are wanted until",
            },
        ),
        ops.AddField(
            model_name="ChannelPreference",
            name="category",
            field=fields.CharField(
                description="ALL, unless there is a row for the category", db_default="ALL", max_length=12
            ),
        ),
        ops.AddConstraint(
            model_name="ChannelPreference",
            constraint=UniqueConstraint(fields=("user_id", "channel", "category"), name=None),
        ),
        ops.RemoveIndex(
            model_name="Notification",
            name="notification_unread",
            fields=None,
        ),
        ops.AlterField(
            model_name="Notification",
            name="body",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AlterField(
            model_name="Notification",
            name="due_at",
            field=fields.DatetimeField(
                description="when a QUEUED message may leave, or may be taken from a sender that has died",
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.AlterField(
            model_name="Notification",
            name="title",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name="Notification",
            name="category",
            field=fields.CharField(db_default="ORDERS", max_length=12),
        ),
        ops.AddField(
            model_name="Notification",
            name="data",
            field=fields.JSONField(
                null=True,
                description="what the texts mention; null in messages of older versions, which keep their texts",
                encoder=JSON_DUMPS,
                decoder=loads,
            ),
        ),
        ops.AddIndex(
            model_name="Notification",
            index=ConditionalIndex(
                fields=["user_id"], name="notification_new", condition="channel = 'IN_APP' AND read_at IS NULL"
            ),
        ),
    ]

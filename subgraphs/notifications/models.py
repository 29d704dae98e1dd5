"""Tables of the notifications subgraph."""

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from common.events.models import ConditionalIndex, DeadLetterModel, InboxModel, OutboxModel
from common.subgraph.data_keys import DataKeyModel
from common.subgraph.idempotency import IdempotencyModel


class Notification(Model):
    """One message on one channel. Holds neither address nor name of its recipient."""

    id = fields.UUIDField(primary_key=True)
    #: the event it tells about: one message per event and channel, however often the event arrives
    event_id = fields.UUIDField()
    user_id = fields.UUIDField()
    order_id = fields.UUIDField(null=True)
    channel = fields.CharField(max_length=8)
    template = fields.CharField(max_length=40)
    category = fields.CharField(max_length=12, db_default="ORDERS")
    #: what the texts mention; null in messages of older versions, which keep their texts
    data: Any = fields.JSONField(null=True)
    title = fields.CharField(max_length=200, null=True)
    body = fields.TextField(null=True)
    status = fields.CharField(max_length=12)
    attempts = fields.IntField(db_default=0)
    last_error = fields.TextField(null=True)
    #: when a QUEUED message may leave, or may be taken from a sender that has died
    due_at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "notification"
        unique_together = (("event_id", "channel"),)
        indexes = (
            Index(fields=["user_id", "created_at", "id"], name="notification_user"),
            ConditionalIndex(fields=["order_id"], name="notification_order", condition="order_id IS NOT NULL"),
            ConditionalIndex(fields=["due_at"], name="notification_due", condition="status = 'QUEUED'"),
            ConditionalIndex(
                fields=["user_id"], name="notification_new", condition="channel = 'IN_APP' AND read_at IS NULL"
            ),
        )


class ChannelPreference(Model):
    """What a user said about a channel, of one category or of all; e-mail and the list in the shop are wanted until
    somebody says otherwise, SMS when somebody says so, PUSH by whoever registers a device."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.UUIDField()
    channel = fields.CharField(max_length=8)
    #: ALL, unless there is a row for the category
    category = fields.CharField(max_length=12, db_default="ALL")
    is_enabled = fields.BooleanField()

    class Meta:
        table = "channel_preference"
        unique_together = (("user_id", "channel", "category"),)


class PushDevice(Model):
    """A device that wants messages."""

    id = fields.UUIDField(primary_key=True)
    user_id = fields.UUIDField(db_index=True)
    platform = fields.CharField(max_length=8)
    token_sealed = fields.BinaryField()
    #: SHA-256 in hex of the token, which the provider made up: nothing to guess
    token_hash = fields.CharField(max_length=64, unique=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "push_device"


class DataKey(DataKeyModel):
    class Meta(DataKeyModel.Meta):
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


class Idempotency(IdempotencyModel):
    class Meta(IdempotencyModel.Meta):
        abstract = False

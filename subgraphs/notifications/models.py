"""Tables of the notifications subgraph."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from common.events.models import ConditionalIndex, DeadLetterModel, InboxModel, OutboxModel
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
    title = fields.CharField(max_length=200)
    body = fields.TextField()
    status = fields.CharField(max_length=12)
    attempts = fields.IntField(db_default=0)
    last_error = fields.TextField(null=True)
    #: when a QUEUED message may leave
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
                fields=["user_id"], name="notification_unread", condition="channel = 'PUSH' AND read_at IS NULL"
            ),
        )


class ChannelPreference(Model):
    """What a user said about a channel; a channel without a row is wanted."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.UUIDField()
    channel = fields.CharField(max_length=8)
    is_enabled = fields.BooleanField()

    class Meta:
        table = "channel_preference"
        unique_together = (("user_id", "channel"),)


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

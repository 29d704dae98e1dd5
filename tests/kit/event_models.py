"""The tables of events of a subgraph that exists in tests only, and a table its handlers have their effects in."""

from tortoise import fields
from tortoise.models import Model

from common.events.models import DeadLetterModel, InboxModel, OutboxModel


class Outbox(OutboxModel):
    class Meta(OutboxModel.Meta):
        abstract = False


class Inbox(InboxModel):
    class Meta(InboxModel.Meta):
        abstract = False


class DeadLetter(DeadLetterModel):
    class Meta(DeadLetterModel.Meta):
        abstract = False


class Effect(Model):
    """One row per effect; nothing but the inbox keeps it from appearing twice."""

    id = fields.BigIntField(primary_key=True)
    event_id = fields.UUIDField()
    note = fields.TextField()

    class Meta:
        table = "effect"

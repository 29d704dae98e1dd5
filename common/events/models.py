"""The tables behind exactly-once effects, as abstract models: each subgraph has them in its own database.

    class Outbox(OutboxModel):
        class Meta(OutboxModel.Meta):
            abstract = False

and so on for `Inbox` and `DeadLetter`. The statements in this room use the tables by their names, not through the
models.
"""

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class ConditionalIndex(Index):
    """A partial index with a condition in SQL. (Tortoise's own knows equality only.)"""

    def __init__(self, *, fields: list[str], name: str, condition: str) -> None:
        super().__init__(fields=fields, name=name)
        self.condition = condition
        self.extra = f" WHERE {condition}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        path, arguments, options = super().deconstruct()
        return path, arguments, options | {"condition": self.condition}


class OutboxModel(Model):
    """Events recorded in the transaction of the change they tell about, waiting for the relay."""

    #: order in which events were recorded; not the order of their commits
    seq = fields.BigIntField(primary_key=True)
    event_id = fields.UUIDField(unique=True)
    type = fields.CharField(max_length=200)
    aggregate_id = fields.CharField(max_length=100)
    aggregate_version = fields.BigIntField()
    payload: dict[str, Any] = fields.JSONField()
    metadata: dict[str, Any] = fields.JSONField()
    occurred_at = fields.DatetimeField()
    #: null until JetStream has acknowledged it
    published_at = fields.DatetimeField(null=True)

    class Meta:
        abstract = True
        table = "outbox"
        indexes = (
            ConditionalIndex(fields=["seq"], name="outbox_unpublished", condition="published_at IS NULL"),
            ConditionalIndex(fields=["published_at"], name="outbox_published", condition="published_at IS NOT NULL"),
        )


class InboxModel(Model):
    """Which consumer has had the effect of which event, written in the transaction of the effect."""

    id = fields.BigIntField(primary_key=True)
    consumer = fields.CharField(max_length=100)
    event_id = fields.UUIDField()
    aggregate_id = fields.CharField(max_length=100)
    aggregate_version = fields.BigIntField()
    received_at = fields.DatetimeField()

    class Meta:
        abstract = True
        table = "inbox"
        unique_together = (("consumer", "event_id"),)
        indexes = (Index(fields=["received_at"], name="inbox_received"),)


class DeadLetterModel(Model):
    """Events a consumer has given up on, with what is needed to find out why and to try again."""

    #: a UUIDv7
    id = fields.UUIDField(primary_key=True)
    consumer = fields.CharField(max_length=100)
    #: null when the bytes were no event
    event_id = fields.UUIDField(null=True)
    subject = fields.CharField(max_length=400)
    #: the event as it came, JSON text (invalid bytes replaced)
    event = fields.TextField()
    error = fields.TextField()
    trace_id = fields.CharField(max_length=32)
    attempts = fields.IntField()
    #: DEAD, REPLAY (somebody asked for another try) or RESOLVED
    state = fields.CharField(max_length=10)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        abstract = True
        table = "dead_letter"
        unique_together = (("consumer", "event_id"),)
        indexes = (Index(fields=["state", "consumer"], name="dead_letter_state"),)

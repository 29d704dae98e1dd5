"""Tables of the users subgraph. E-mail and postal addresses are stored encrypted (`common.subgraph.sealing`)."""

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model

from common.events.models import DeadLetterModel, InboxModel, OutboxModel
from common.subgraph.idempotency import IdempotencyModel


class User(Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=120)
    email_sealed = fields.BinaryField()
    #: keyed hash of the address, in hex: finds it without storing it; its UNIQUE decides races of registrations
    email_hash = fields.CharField(max_length=64, unique=True)
    #: Argon2id in PHC form; null for an account without password
    password_hash = fields.TextField(null=True)
    status = fields.CharField(max_length=16)
    roles: Any = ArrayField(element_type="text")
    version = fields.IntField(db_default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    last_login_at = fields.DatetimeField(null=True)

    class Meta:
        table = "user_account"
        indexes = (("created_at", "id"),)


class CustomerAddress(Model):
    id = fields.UUIDField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("users.User", related_name="addresses")
    label = fields.CharField(max_length=60, null=True)
    is_default = fields.BooleanField()
    address_sealed = fields.BinaryField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "customer_address"


class RefreshToken(Model):
    """One link of a login's chain: using it marks it used and adds the next link of the same family."""

    id = fields.UUIDField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("users.User", related_name="refresh_tokens")
    family_id = fields.UUIDField(db_index=True)
    #: SHA-256 in hex of a random 256-bit token: nothing to guess, so no slow hash
    token_hash = fields.CharField(max_length=64, unique=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)
    used_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_token"


class Idempotency(IdempotencyModel):
    class Meta(IdempotencyModel.Meta):
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

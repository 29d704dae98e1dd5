"""Tables of the users subgraph. What is personal is stored sealed (`common.subgraph.sealing`)."""

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.models import Model

from common.events.models import ConditionalIndex, DeadLetterModel, InboxModel, OutboxModel
from common.subgraph.data_keys import DataKeyModel
from common.subgraph.idempotency import IdempotencyModel


class User(Model):
    id = fields.UUIDField(primary_key=True)
    #: in clear in accounts of older versions, until they are sealed anew
    name = fields.CharField(max_length=120, null=True)
    #: the sealed columns are null in an erased account
    name_sealed = fields.BinaryField(null=True)
    email_sealed = fields.BinaryField(null=True)
    phone_sealed = fields.BinaryField(null=True)
    #: the address the user wants to have, until a message sent there was answered
    new_email_sealed = fields.BinaryField(null=True)
    #: keyed hash of the address, in hex: finds it without storing it; its UNIQUE decides races of registrations
    email_hash = fields.CharField(max_length=64, unique=True)
    #: Argon2id in PHC form; null for an account without password
    password_hash = fields.TextField(null=True)
    #: counts passwords: device tokens and logins in progress end with the one they were made under
    password_number = fields.IntField(db_default=1)
    status = fields.CharField(max_length=16)
    locale = fields.CharField(max_length=12, db_default="en")
    email_verified_at = fields.DatetimeField(null=True)
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
        indexes = (Index(fields=["user_id", "created_at"], name="customer_address_user"),)


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
        indexes = (ConditionalIndex(fields=["user_id"], name="refresh_token_user", condition="revoked_at IS NULL"),)


class OneTimeToken(Model):
    """What a link in a message proves: that its reader has the mailbox. Used or replaced, it is deleted."""

    id = fields.UUIDField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("users.User", related_name="one_time_tokens")
    kind = fields.CharField(max_length=20)
    #: SHA-256 in hex of a random 256-bit token
    token_hash = fields.CharField(max_length=64, unique=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "one_time_token"
        indexes = (Index(fields=["user_id", "kind"], name="one_time_token_user"),)


class PasswordResetRequest(Model):
    """Somebody forgot a password. Written for any address, looked up later: the answer's time tells nothing."""

    id = fields.UUIDField(primary_key=True)
    email_hash = fields.CharField(max_length=64)
    requested_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "password_reset_request"


class DataKey(DataKeyModel):
    class Meta(DataKeyModel.Meta):
        abstract = False


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

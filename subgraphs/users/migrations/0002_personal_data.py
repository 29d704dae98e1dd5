from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from common.events.models import ConditionalIndex


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]

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
            options={"table": "data_key", "app": "users", "pk_attr": "subject"},
            bases=["DataKeyModel"],
        ),
        ops.CreateModel(
            name="OneTimeToken",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "users.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="one_time_tokens",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("kind", fields.CharField(max_length=20)),
                (
                    "token_hash",
                    fields.CharField(
                        unique=True, description="SHA-256 in hex of a random 256-bit token", max_length=64
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "one_time_token",
                "app": "users",
                "indexes": [Index(fields=["user_id", "kind"], name="one_time_token_user")],
                "pk_attr": "id",
                "table_description": "What a link in a message proves: that its reader has the mailbox. Used or replaced, it is deleted.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PasswordResetRequest",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("email_hash", fields.CharField(max_length=64)),
                ("requested_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "password_reset_request",
                "app": "users",
                "pk_attr": "id",
                "table_description": "Somebody forgot a password. Written for any address, looked up later: the answer's time tells nothing.",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="CustomerAddress",
            index=Index(fields=["user_id", "created_at"], name="customer_address_user"),
        ),
        ops.AddIndex(
            model_name="RefreshToken",
            index=ConditionalIndex(fields=["user_id"], name="refresh_token_user", condition="revoked_at IS NULL"),
        ),
        ops.AlterField(
            model_name="User",
            name="email_sealed",
            field=fields.BinaryField(null=True),
        ),
        ops.AlterField(
            model_name="User",
            name="name",
            field=fields.CharField(
                null=True,
                description="in clear in accounts of older versions, until they are sealed anew",
                max_length=120,
            ),
        ),
        ops.AddField(
            model_name="User",
            name="email_verified_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="User",
            name="locale",
            field=fields.CharField(db_default="en", max_length=12),
        ),
        ops.AddField(
            model_name="User",
            name="name_sealed",
            field=fields.BinaryField(null=True, description="the sealed columns are null in an erased account"),
        ),
        ops.AddField(
            model_name="User",
            name="new_email_sealed",
            field=fields.BinaryField(
                null=True, description="the address the user wants to have, until a message sent there was answered"
            ),
        ),
        ops.AddField(
            model_name="User",
            name="password_number",
            field=fields.IntField(
                description="counts passwords: device tokens and logins in progress end with the one they were made under",
                db_default=1,
            ),
        ),
        ops.AddField(
            model_name="User",
            name="phone_sealed",
            field=fields.BinaryField(null=True),
        ),
    ]

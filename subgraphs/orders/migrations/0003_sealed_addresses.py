from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

# Orders from before: what tax and shipping need of their address. No step of the order, so the guard is put aside.
COUNTRIES = """
ALTER TABLE orders DISABLE TRIGGER orders_guard_status;
UPDATE orders SET country = shipping_address ->> 'country' WHERE shipping_address IS NOT NULL;
ALTER TABLE orders ENABLE TRIGGER orders_guard_status;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_rules")]

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
            options={"table": "data_key", "app": "orders", "pk_attr": "subject"},
            bases=["DataKeyModel"],
        ),
        ops.AlterField(
            model_name="Order",
            name="shipping_address",
            field=fields.JSONField(
                null=True,
                description="in clear, of orders from before addresses were sealed; a worker empties it",
                encoder=JSON_DUMPS,
                decoder=loads,
            ),
        ),
        ops.AddField(
            model_name="Order",
            name="address_sealed",
            field=fields.BinaryField(
                null=True,
                description="JSON of the postal address, sealed under the customer's data key; null for an order without one",
            ),
        ),
        ops.AddField(
            model_name="Order",
            name="cart_id",
            field=fields.UUIDField(
                null=True, unique=True, description="the cart it was made from: a cart becomes one order at most"
            ),
        ),
        ops.AddField(
            model_name="Order",
            name="country",
            field=fields.CharField(
                null=True, description="of the address; tax and shipping depend on it", max_length=2
            ),
        ),
        ops.AddField(
            model_name="Saga",
            name="cause",
            field=fields.JSONField(
                null=True,
                description="JSON of the event that made the step due, to continue its trace and its chain of causes",
                encoder=JSON_DUMPS,
                decoder=loads,
            ),
        ),
        ops.AddField(
            model_name="Saga",
            name="deadline",
            field=fields.DatetimeField(
                null=True,
                description="after it the step is not tried again but given up; null for what is owed for good",
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.RunSQL(COUNTRIES, "UPDATE orders SET country = NULL WHERE FALSE"),
    ]

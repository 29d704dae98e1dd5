"""Customers who were erased lately, and payments by customer."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_disputes")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ErasedCustomer",
            fields=[
                (
                    "id",
                    fields.UUIDField(
                        primary_key=True, default=uuid4, unique=True, db_index=True, description="the user's"
                    ),
                ),
                ("erased_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "erased_customer",
                "app": "payments",
                "pk_attr": "id",
                "table_description": "Who was erased lately: what payments under way still write down about them is forgotten as well.",
            },
            bases=["Model"],
        ),
        ops.RunSQL("CREATE INDEX payment_of_customer ON payment (customer_id);", "DROP INDEX payment_of_customer;"),
    ]

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("products", "0002_rules")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ProductPrice",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "product",
                    fields.ForeignKeyField(
                        "products.Product",
                        source_field="product_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("currency", fields.CharField(max_length=3)),
                ("price_minor", fields.BigIntField()),
                ("compare_at_minor", fields.BigIntField(null=True)),
            ],
            options={
                "table": "product_price",
                "app": "products",
                "unique_together": (("product", "currency"),),
                "indexes": [Index(fields=["currency", "price_minor", "product_id"], name="product_price_by_price")],
                "pk_attr": "id",
                "table_description": "A price of the list beside the one of the product itself: one per further currency.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Category",
            name="version",
            field=fields.IntField(db_default=1),
        ),
        ops.AddField(
            model_name="Reservation",
            name="returned",
            field=fields.IntField(description="of the shipped ones, those that came back", db_default=0),
        ),
        ops.AlterField(
            model_name="StockMovement",
            name="order_id",
            field=fields.UUIDField(null=True, description="the order whose goods were shipped or came back"),
        ),
        ops.AddIndex(
            model_name="StockMovement",
            index=Index(fields=["product_id", "id"], name="stock_movement_by_age"),
        ),
    ]

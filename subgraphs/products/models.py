"""Tables of the catalogue and of stock.

`available = on_hand - reserved`; `reserved` is the sum of the reservations HELD or COMMITTED and not yet shipped.
Rules that must hold whatever the code does are constraints of the database; they, the partial indexes and the columns
of the search are written in SQL in `migrations/0002_rules.py` and `0004_search_and_rules.py`, because Tortoise does not
create them from models.
"""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from common.events.models import DeadLetterModel, InboxModel, OutboxModel
from common.subgraph.idempotency import IdempotencyModel


class Category(Model):
    id = fields.UUIDField(primary_key=True)
    slug = fields.CharField(max_length=80, unique=True)
    name = fields.CharField(max_length=200)
    position = fields.IntField(db_default=0)
    parent: fields.ForeignKeyNullableRelation["Category"] = fields.ForeignKeyField(
        "products.Category", null=True, on_delete=fields.RESTRICT
    )
    version = fields.IntField(db_default=1)

    class Meta:
        table = "category"


class Product(Model):
    id = fields.UUIDField(primary_key=True)
    sku = fields.CharField(max_length=64, unique=True)
    slug = fields.CharField(max_length=100, unique=True)
    name = fields.CharField(max_length=200)
    description = fields.TextField(null=True)
    status = fields.CharField(max_length=16)
    price_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    compare_at_minor = fields.BigIntField(null=True)
    weight_grams = fields.IntField(db_default=0)
    category: fields.ForeignKeyNullableRelation[Category] = fields.ForeignKeyField(
        "products.Category", null=True, on_delete=fields.RESTRICT, db_index=True
    )
    version = fields.IntField(db_default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "product"
        indexes = (
            Index(fields=("status", "price_minor", "id"), name="product_by_price"),
            Index(fields=("status", "name", "id"), name="product_by_name"),
            Index(fields=("status", "id"), name="product_by_age"),
        )


class ProductPrice(Model):
    """A price of the list beside the one of the product itself: one per further currency."""

    id = fields.BigIntField(primary_key=True)
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField("products.Product", on_delete=fields.CASCADE)
    currency = fields.CharField(max_length=3)
    price_minor = fields.BigIntField()
    compare_at_minor = fields.BigIntField(null=True)

    class Meta:
        table = "product_price"
        unique_together = (("product", "currency"),)
        indexes = (Index(fields=("currency", "price_minor", "product_id"), name="product_price_by_price"),)


class Stock(Model):
    #: a foreign key too, which the migration adds: Tortoise forgets that a relation is the primary key
    product_id = fields.UUIDField(primary_key=True)
    on_hand = fields.IntField()
    reserved = fields.IntField(db_default=0)
    low_stock_threshold = fields.IntField(db_default=5)
    #: grows with every change, so that consumers of stock events can tell old from new
    version = fields.BigIntField(db_default=1)

    class Meta:
        table = "stock"


class Reservation(Model):
    """Units of one product for one order, at the price they were promised for; `shipped` units have left the house."""

    id = fields.UUIDField(primary_key=True)
    order_id = fields.UUIDField()
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField(
        "products.Product", on_delete=fields.RESTRICT, db_index=True
    )
    quantity = fields.IntField()
    shipped = fields.IntField(db_default=0)
    #: of the shipped ones, those that came back
    returned = fields.IntField(db_default=0)
    unit_price_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    state = fields.CharField(max_length=16)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "reservation"


class StockMovement(Model):
    """Every change of `on_hand`, append-only: the sum per product is `stock.on_hand` (law L1)."""

    id = fields.UUIDField(primary_key=True)
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField(
        "products.Product", on_delete=fields.RESTRICT, db_index=True
    )
    #: InventoryReason, or INITIAL or SHIPPED
    reason = fields.CharField(max_length=16)
    delta = fields.IntField()
    #: the order whose goods were shipped or came back
    order_id = fields.UUIDField(null=True)
    actor = fields.CharField(max_length=64)
    created_at = fields.DatetimeField()

    class Meta:
        table = "stock_movement"
        indexes = (Index(fields=("product_id", "id"), name="stock_movement_by_age"),)


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

"""Tables of carts and orders.

Constraints, order numbers and the trigger that guards the status are written in SQL in `migrations/0002_rules.py`,
because Tortoise does not create them from models.
"""

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from common.events.models import DeadLetterModel, InboxModel, OutboxModel
from common.subgraph.data_keys import DataKeyModel
from common.subgraph.idempotency import IdempotencyModel


class Order(Model):
    id = fields.UUIDField(primary_key=True)
    number = fields.CharField(max_length=20, unique=True)
    customer_id = fields.UUIDField()
    status = fields.CharField(max_length=20)
    fulfillment_status = fields.CharField(max_length=20)
    currency = fields.CharField(max_length=3)
    subtotal_minor = fields.BigIntField()
    shipping_minor = fields.BigIntField()
    tax_minor = fields.BigIntField()
    total_minor = fields.BigIntField()
    #: in clear, of orders from before addresses were sealed; a worker empties it
    shipping_address: Any = fields.JSONField(null=True)
    #: JSON of the postal address, sealed under the customer's data key; null for an order without one
    address_sealed = fields.BinaryField(null=True)
    #: of the address; tax and shipping depend on it
    country = fields.CharField(max_length=2, null=True)
    #: the cart it was made from: a cart becomes one order at most
    cart_id = fields.UUIDField(null=True, unique=True)
    cancel_reason = fields.CharField(max_length=24, null=True)
    reservation_expires_at = fields.DatetimeField(null=True)
    placed_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    version = fields.IntField(db_default=1)

    class Meta:
        # not "order": that word needs quotes in SQL
        table = "orders"
        indexes = (
            Index(fields=("customer_id", "id"), name="orders_of_customer"),
            Index(fields=("status", "id"), name="orders_by_status"),
        )


class OrderLine(Model):
    id = fields.UUIDField(primary_key=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField("orders.Order", on_delete=fields.RESTRICT)
    position = fields.IntField()
    product_id = fields.UUIDField()
    sku = fields.CharField(max_length=64)
    name = fields.CharField(max_length=200)
    quantity = fields.IntField()
    unit_minor = fields.BigIntField()
    expected_unit_minor = fields.BigIntField(null=True)
    weight_grams = fields.IntField(db_default=0)

    class Meta:
        table = "order_line"
        unique_together = (("order_id", "position"), ("order_id", "product_id"))


class OrderHistory(Model):
    """Append-only: how each order came to its status."""

    id = fields.UUIDField(primary_key=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField("orders.Order", on_delete=fields.RESTRICT)
    #: version of the order after the step
    version = fields.IntField()
    at = fields.DatetimeField()
    from_status = fields.CharField(max_length=20, null=True)
    to_status = fields.CharField(max_length=20)
    actor = fields.CharField(max_length=64)
    correlation_id = fields.CharField(max_length=64)
    trace_id = fields.CharField(max_length=32, null=True)

    class Meta:
        table = "order_history"
        unique_together = (("order_id", "version"),)


class Saga(Model):
    """What the house owes an order: a row for each order that is not at rest, taken by workers at `next_at`."""

    #: a foreign key too, which the migration adds: Tortoise forgets that a relation is the primary key
    order_id = fields.UUIDField(primary_key=True)
    #: RESERVE, AWAIT_PAYMENT, COMMIT or RELEASE
    step = fields.CharField(max_length=16)
    attempts = fields.IntField(db_default=0)
    next_at = fields.DatetimeField(db_index=True)
    #: the payment that asked for COMMIT
    payment_id = fields.UUIDField(null=True)
    #: after it the step is not tried again but given up; null for what is owed for good
    deadline = fields.DatetimeField(null=True)
    #: JSON of the event that made the step due, to continue its trace and its chain of causes
    cause: Any = fields.JSONField(null=True)
    last_error = fields.TextField(null=True)

    class Meta:
        table = "saga"


class Cart(Model):
    id = fields.UUIDField(primary_key=True)
    customer_id = fields.UUIDField(unique=True)
    version = fields.IntField(db_default=1)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "cart"


class CartLine(Model):
    id = fields.UUIDField(primary_key=True)
    cart: fields.ForeignKeyRelation[Cart] = fields.ForeignKeyField("orders.Cart", on_delete=fields.CASCADE)
    product_id = fields.UUIDField()
    quantity = fields.IntField()

    class Meta:
        table = "cart_line"
        unique_together = (("cart_id", "product_id"),)


class Fulfillment(Model):
    id = fields.UUIDField(primary_key=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField(
        "orders.Order", on_delete=fields.RESTRICT, db_index=True
    )
    carrier = fields.CharField(max_length=100, null=True)
    tracking_number = fields.CharField(max_length=100, null=True)
    shipped_at = fields.DatetimeField()
    delivered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "fulfillment"


class FulfillmentLine(Model):
    id = fields.UUIDField(primary_key=True)
    fulfillment: fields.ForeignKeyRelation[Fulfillment] = fields.ForeignKeyField(
        "orders.Fulfillment", on_delete=fields.RESTRICT
    )
    order_line: fields.ForeignKeyRelation[OrderLine] = fields.ForeignKeyField(
        "orders.OrderLine", on_delete=fields.RESTRICT, db_index=True
    )
    quantity = fields.IntField()

    class Meta:
        table = "fulfillment_line"
        unique_together = (("fulfillment_id", "order_line_id"),)


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

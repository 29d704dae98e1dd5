"""`_entities` of every subgraph: the side door, asked with the signed context the router would send for each caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.prove.authorisation.setting import Setting


@dataclass(frozen=True, slots=True)
class EntityRow:
    subgraph: str
    type: str
    expected: str
    selection: str
    key: Callable[[Setting], Mapping[str, Any]]

    @property
    def document(self) -> str:
        return (
            "query($r: [_Any!]!) { _entities(representations: $r) { ... on "
            + self.type
            + " { "
            + self.selection
            + " } } }"
        )


def _id(name: str) -> Callable[[Setting], Mapping[str, Any]]:
    return lambda setting: {"id": getattr(setting, name)}


def _victim(setting: Setting) -> Mapping[str, Any]:
    return {"id": setting.victim.id}


_TOTAL = {"total": {"amount": "10.00", "currency": "USD"}}

ENTITIES: tuple[EntityRow, ...] = (
    EntityRow("users", "User", "--Y-Y", "email addresses { address { street } } roles", _victim),
    EntityRow("users", "User", "--Y-Y", "name lastLoginAt", _victim),
    EntityRow("products", "Product", "YYYYY", "name price { amount }", _id("product")),
    EntityRow("products", "Product", "---YY", "name description", _id("draft")),
    EntityRow("products", "Product", "--YYY", "inventory { onHand reserved }", _id("product")),
    EntityRow("products", "Category", "-----", "name", lambda s: {"id": "cat_01h455vb4pex5vsknk084sn02q"}),
    EntityRow("orders", "Order", "--Y-Y", "number shippingAddress { street } total { amount }", _id("order")),
    EntityRow("orders", "Order", "--Y-Y", "history { actor } lines { nameSnapshot }", lambda s: {"number": s.number}),
    EntityRow("orders", "User", "--Y-Y", "orders { nodes { number } }", _victim),
    EntityRow("orders", "User", "--Y-Y", "cart { lines { quantity } }", _victim),
    EntityRow("orders", "Cart", "--Y-Y", "version lines { quantity }", _id("cart")),
    EntityRow("orders", "Fulfillment", "--Y-Y", "carrier shippedAt lines { quantity }", _id("fulfillment")),
    EntityRow(
        "orders",
        "Product",
        "YYYYY",
        'shippingEstimate(country: "DE") { amount }',
        lambda s: {"id": s.product, "weightGrams": 100},
    ),
    EntityRow("payments", "User", "--Y-Y", "paymentMethods { label }", _victim),
    EntityRow("payments", "Refund", "--Y-Y", "status amount { amount }", _id("refund")),
    EntityRow("payments", "Payment", "--Y-Y", "status method { label } amount { amount }", _id("payment")),
    EntityRow("payments", "Order", "--Y-Y", "payments { method { label } }", _id("order")),
    EntityRow("payments", "Order", "--Y-Y", "paymentStatus balanceDue { amount }", lambda s: {"id": s.order, **_TOTAL}),
    EntityRow("notifications", "Notification", "--Y-Y", "title body", _id("notification")),
    EntityRow("notifications", "Order", "--Y-Y", "notifications { title }", _id("order")),
    EntityRow("notifications", "User", "--Y-Y", "notifications { nodes { title } }", _victim),
    EntityRow("notifications", "User", "--Y-Y", "notificationPreferences { channel enabled }", _victim),
)

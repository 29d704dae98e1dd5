"""What is told to whom: events of other subgraphs -> messages.

Messages hold no name, no address and no secret: those are asked for when a message leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.money import Money
from subgraphs.notifications.domain.words import Category, Channel

EVERYWHERE = (Channel.EMAIL, Channel.IN_APP, Channel.SMS, Channel.PUSH)


@dataclass(frozen=True, slots=True)
class Message:
    template: str
    category: Category
    #: public ids
    user_id: str
    order_id: str | None = None
    #: what the texts mention
    data: Mapping[str, str] = field(default_factory=dict)
    #: where it may go
    channels: tuple[Channel, ...] = EVERYWHERE


#: events that have a message -> its template
TEMPLATES: Mapping[str, str] = {
    "users.user.registered": "welcome",
    "users.user.email_verification_requested": "email_verification",
    "users.user.password_reset_requested": "password_reset",
    "users.user.email_change_requested": "email_change_requested",
    "users.user.email_changed": "email_changed",
    "users.user.password_changed": "password_changed",
    "orders.order.confirmed": "order_confirmed",
    "orders.order.cancelled": "order_cancelled",
    "orders.order.shipped": "order_shipped",
    "orders.order.delivered": "order_delivered",
    "orders.order.completed": "order_completed",
    "payments.payment.action_required": "payment_action_required",
    "payments.payment.failed": "payment_failed",
    "payments.payment.refunded": "payment_refunded",
}
ERASED = "users.user.erased"
EVENT_TYPES = (*TEMPLATES, ERASED)

#: templates whose message carries a link -> its kind as the users subgraph calls it
LINKS: Mapping[str, str] = {
    "welcome": "email_verification",
    "email_verification": "email_verification",
    "email_change": "email_change",
    "password_reset": "password_reset",
}
#: those that are worth sending without one
LINK_IS_OPTIONAL = frozenset({"welcome"})


def message_for(event_type: str, payload: Mapping[str, Any]) -> Message | None:
    """What the event is worth telling, None if nothing. Raises KeyError for a payload that lacks what it must have."""
    template = TEMPLATES.get(event_type)
    if template is None:
        return None
    match event_type.split(".")[0]:
        case "users":
            return _about_account(template, payload)
        case "orders":
            return _about_order(template, payload)
        case _:
            return _about_payment(template, payload)


def _about_account(template: str, payload: Mapping[str, Any]) -> Message:
    if template == "email_verification":
        template = payload["kind"]
    if template in LINKS and template not in LINK_IS_OPTIONAL:
        # a link proves that its reader has the mailbox: it goes nowhere else
        return Message(template, Category.SECURITY, payload["user_id"], channels=(Channel.EMAIL,))
    category = Category.ACCOUNT if template == "welcome" else Category.SECURITY
    return Message(template, category, payload["user_id"], channels=(Channel.EMAIL, Channel.IN_APP))


def _about_order(template: str, payload: Mapping[str, Any]) -> Message:
    data = {"number": str(payload["number"]), "total": _money(payload["total_minor"], payload["currency"])}
    if template == "order_shipped":
        data["tracking"] = " ".join(filter(None, (payload.get("carrier"), payload.get("tracking_number")))) or "-"
    return Message(template, Category.ORDERS, payload["customer_id"], payload["order_id"], data)


def _about_payment(template: str, payload: Mapping[str, Any]) -> Message:
    data = {"amount": _money(payload["amount_minor"], payload["currency"])}
    return Message(template, Category.PAYMENTS, payload["customer_id"], payload["order_id"], data)


def _money(amount_minor: int, currency: str) -> str:
    return str(Money(amount_minor, currency))

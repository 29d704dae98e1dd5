"""What is told to whom: events of other subgraphs -> messages, and when a failed delivery is tried again.

Messages hold no name and no address: those are asked for when an e-mail leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from common.money import Money

ID_PREFIX = "ntf"
USER_ID_PREFIX = "usr"
ORDER_ID_PREFIX = "ord"

MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)


class Channel(Enum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    #: the list inside the shop, pushed to open browsers
    PUSH = "PUSH"


class DeliveryStatus(Enum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    #: given up
    DEAD = "DEAD"
    #: the recipient does not want this channel
    SUPPRESSED = "SUPPRESSED"


#: channels that something is sent on today
CHANNELS = (Channel.EMAIL, Channel.PUSH)


@dataclass(frozen=True, slots=True)
class Message:
    template: str
    title: str
    body: str
    #: public ids
    user_id: str
    order_id: str | None = None


def message_for(event_type: str, payload: Mapping[str, Any]) -> Message | None:
    """What the event is worth telling, None if nothing. Raises KeyError for a payload that lacks what it must have."""
    match event_type:
        case "users.user.registered":
            return Message(
                "welcome", "Welcome to Punnet", "Your account is ready. We are glad to have you.", payload["user_id"]
            )
        case "orders.order.confirmed":
            total = Money(payload["total_minor"], payload["currency"])
            return _about_order(
                payload,
                "order_confirmed",
                "is confirmed",
                f"Thank you! We have received your payment of {total} and are packing your order.",
            )
        case "orders.order.cancelled":
            return _about_order(
                payload, "order_cancelled", "was cancelled", "Your order was cancelled. You will not be charged for it."
            )
        case "orders.order.completed":
            return _about_order(
                payload, "order_completed", "was delivered", "Everything has arrived. We hope you like it."
            )
        case _:
            return None


def _about_order(payload: Mapping[str, Any], template: str, what: str, body: str) -> Message:
    return Message(
        template, f"Order {payload['number']} {what}", body, payload["customer_id"], order_id=payload["order_id"]
    )


#: events that `message_for` knows
EVENT_TYPES = ("users.user.registered", "orders.order.confirmed", "orders.order.cancelled", "orders.order.completed")


def first_status(channel: Channel, is_wanted: bool) -> DeliveryStatus:
    """In-app entries are there as soon as they are written; an e-mail has yet to leave."""
    if not is_wanted:
        return DeliveryStatus.SUPPRESSED
    return DeliveryStatus.QUEUED if channel is Channel.EMAIL else DeliveryStatus.DELIVERED


def pause_before(attempt: int) -> timedelta:
    """After the `attempt`-th failed try, counted from 1: 1 s, 2 s, 4 s … at most 5 min."""
    return min(FIRST_RETRY * int(2 ** (attempt - 1)), LONGEST_PAUSE)

"""Events of the notifications subgraph, and the name under which it consumes those of others."""

from uuid import UUID

from common.clock import Clock
from common.events import Event, new_event
from common.ids import format_id
from subgraphs.notifications.domain.words import ID_PREFIX

SOURCE = "notifications"
CONSUMER = "notifications-messages"
RECEIVED = "notifications.notification.received"


def notification_received(notification_id: UUID, user_id: str, *, cause: Event, clock: Clock) -> Event:
    """`notifications.notification.received` {notification_id, user_id}: there is a new in-app entry."""
    public_id = format_id(ID_PREFIX, notification_id)
    return new_event(
        RECEIVED,
        aggregate_id=public_id,
        aggregate_version=1,
        payload={"notification_id": public_id, "user_id": user_id},
        source=SOURCE,
        clock=clock,
        cause=cause,
    )

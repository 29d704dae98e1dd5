"""Events -> rows: one message per event and channel, in the transaction in which the event counts as had."""

from uuid import UUID

from common.clock import Clock
from common.events import Event, Outbox
from common.events.sql import SqlConnection
from common.ids import parse_id, uuid7
from common.subgraph.database import fetch
from common.subgraph.due import Signal
from subgraphs.notifications.domain import (
    CHANNELS,
    ORDER_ID_PREFIX,
    USER_ID_PREFIX,
    Channel,
    DeliveryStatus,
    Message,
    first_status,
    message_for,
)
from subgraphs.notifications.events import notification_received


class MessageRecorder:
    """Handler of the consumer `notifications-messages`."""

    def __init__(self, outbox: Outbox, clock: Clock, mail_due: Signal) -> None:
        self._outbox = outbox
        self._clock = clock
        self._mail_due = mail_due

    async def handle(self, connection: SqlConnection, event: Event) -> None:
        """Writes the messages of an event. Raises KeyError or ValueError for a malformed one: a dead letter."""
        message = message_for(event.type, event.payload)
        if message is None:
            return
        user_id = parse_id(USER_ID_PREFIX, message.user_id)
        unwanted = await _unwanted_channels(connection, user_id)
        for channel in CHANNELS:
            status = first_status(channel, channel not in unwanted)
            notification_id = await self._insert(connection, event, message, user_id, channel, status)
            if notification_id and channel is Channel.PUSH and status is DeliveryStatus.DELIVERED:
                received = notification_received(notification_id, message, cause=event, clock=self._clock)
                await self._outbox.add(connection, received)
        self._mail_due.wake()

    async def _insert(
        self,
        connection: SqlConnection,
        event: Event,
        message: Message,
        user_id: UUID,
        channel: Channel,
        status: DeliveryStatus,
    ) -> UUID | None:
        now = self._clock.now()
        rows = await fetch(
            connection,
            """INSERT INTO notification
                 (id, event_id, user_id, order_id, channel, template, title, body, status, due_at, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
               ON CONFLICT (event_id, channel) DO NOTHING RETURNING id""",
            [
                uuid7(),
                event.event_id,
                user_id,
                parse_id(ORDER_ID_PREFIX, message.order_id) if message.order_id else None,
                channel.value,
                message.template,
                message.title,
                message.body,
                status.value,
                now,
            ],
        )
        return rows[0]["id"] if rows else None


async def _unwanted_channels(connection: SqlConnection, user_id: UUID) -> frozenset[Channel]:
    rows = await fetch(
        connection, "SELECT channel FROM channel_preference WHERE user_id = $1 AND NOT is_enabled", [user_id]
    )
    return frozenset(Channel(row["channel"]) for row in rows)

"""Events -> rows: one message per event and channel, in the one statement in which the event counts as had.

What has to leave is leased to this process in the same statement and handed to its sender: nobody looks for it in the
table, unless this process dies first.
"""

from dataclasses import dataclass
from uuid import UUID

import orjson
from opentelemetry.context import get_current

from common.clock import Clock
from common.events import Event, Outbox
from common.events.inbox import CLAIM_PLACEHOLDERS, claim_clause, claim_values
from common.events.outbox import record_clause, record_values
from common.failpoints import failpoint
from common.ids import parse_id, uuid7
from common.subgraph.data_keys import forget_clause
from common.subgraph.database import Database
from subgraphs.notifications.domain.messages import ERASED, Message, message_for
from subgraphs.notifications.domain.words import ORDER_ID_PREFIX, USER_ID_PREFIX, Category, Channel
from subgraphs.notifications.events import CONSUMER, notification_received
from subgraphs.notifications.service.deliveries import LEASE, Deliveries, Delivery

_FIRST = CLAIM_PLACEHOLDERS + 1
_USER, _ORDER, _EVENT, _TEMPLATE, _CATEGORY, _DATA, _IDS, _CHANNELS, _FORCED, _NOW, _LEASED = range(_FIRST, _FIRST + 11)

# Wanted is what the user said about channel and category, else about the channel, else what holds for everybody. A
# channel nobody asked for leaves no row; a refused one leaves a row for support to see.
_RECORD = f"""
WITH {claim_clause(1)},
offered AS (
    SELECT o.id, o.channel, o.channel = ${_FORCED}::text AS is_forced, p.is_enabled,
        CASE o.channel WHEN 'SMS' THEN false
            WHEN 'PUSH' THEN EXISTS (SELECT FROM push_device d WHERE d.user_id = ${_USER})
            ELSE true END AS by_default
    FROM unnest(${_IDS}::uuid[], ${_CHANNELS}::text[]) AS o (id, channel)
    LEFT JOIN LATERAL (
        SELECT is_enabled FROM channel_preference
        WHERE user_id = ${_USER} AND channel = o.channel AND category IN (${_CATEGORY}, 'ALL')
        ORDER BY category = 'ALL' LIMIT 1) p ON true),
told AS (
    INSERT INTO notification
        (id, event_id, user_id, order_id, channel, template, category, data, status, due_at, created_at)
    SELECT id, ${_EVENT}::uuid, ${_USER}::uuid, ${_ORDER}::uuid, channel, ${_TEMPLATE}::text, ${_CATEGORY}::text,
        ${_DATA}::jsonb,
        CASE WHEN NOT (is_forced OR coalesce(is_enabled, by_default)) THEN 'SUPPRESSED'
            WHEN channel = 'IN_APP' THEN 'DELIVERED' ELSE 'QUEUED' END,
        CASE channel WHEN 'IN_APP' THEN ${_NOW} ELSE ${_LEASED}::timestamptz END, ${_NOW}::timestamptz
    FROM offered
    WHERE EXISTS (SELECT FROM claimed)
        AND (is_forced OR coalesce(is_enabled, by_default) OR channel IN ('EMAIL', 'IN_APP'))
        AND (channel <> 'PUSH' OR by_default)
    ON CONFLICT (event_id, channel) DO NOTHING
    RETURNING id, channel, status),
shown AS (SELECT FROM told WHERE channel = 'IN_APP' AND status = 'DELIVERED'),
{record_clause(_LEASED + 1, only_if="shown")}
SELECT t.id, t.channel, t.status FROM claimed LEFT JOIN told t ON true
"""

_FORGET = f"""
WITH {claim_clause(1)},
messages AS (DELETE FROM notification WHERE user_id = $6 AND EXISTS (SELECT FROM claimed)),
preferences AS (DELETE FROM channel_preference WHERE user_id = $6 AND EXISTS (SELECT FROM claimed)),
devices AS (DELETE FROM push_device WHERE user_id = $6 AND EXISTS (SELECT FROM claimed)),
keys AS ({forget_clause("$6", "$7", only_if="claimed")})
SELECT event_id FROM claimed
"""


@dataclass(frozen=True, slots=True)
class MessageRecorder:
    """Effect of the consumer `notifications-messages`, in one statement."""

    database: Database
    outbox: Outbox
    clock: Clock
    deliveries: Deliveries

    async def have(self, event: Event) -> bool:
        """Writes the messages of an event; False if it was had before. Raises KeyError or ValueError for a malformed
        one: a dead letter.
        """
        if event.type == ERASED:
            return await self._forget(event)
        message = message_for(event.type, event.payload)
        if message is None:
            return False
        return await self._record(event, message)

    async def _record(self, event: Event, message: Message) -> bool:
        user_id = parse_id(USER_ID_PREFIX, message.user_id)
        ids = {channel: uuid7() for channel in message.channels}
        in_app = ids.get(Channel.IN_APP)
        received = [notification_received(in_app, message.user_id, cause=event, clock=self.clock)] if in_app else []
        now = self.clock.now()
        failpoint("notifications.record.before_commit")
        rows = await self.database.fetch(
            _RECORD,
            [
                *claim_values(CONSUMER, event, self.clock),
                user_id,
                parse_id(ORDER_ID_PREFIX, message.order_id) if message.order_id else None,
                event.event_id,
                message.template,
                message.category.value,
                orjson.dumps(dict(message.data)).decode(),
                list(ids.values()),
                [channel.value for channel in ids],
                # whatever the user wants
                Channel.EMAIL.value if message.category is Category.SECURITY else "",
                now,
                now + LEASE,
                *record_values(*received),
            ],
        )
        failpoint("notifications.record.after_commit")
        if not rows:
            return False
        if received:
            self.outbox.wake()
        for row in rows:
            if row["status"] == "QUEUED":
                delivery = _delivery(row["id"], Channel(row["channel"]), user_id, event, message)
                self.deliveries.hand_over(delivery, get_current())
        return True

    async def _forget(self, event: Event) -> bool:
        """Nothing about the user stays; what the order or the account has to say to nobody goes as well."""
        user_id = parse_id(USER_ID_PREFIX, event.payload["user_id"])
        values = [*claim_values(CONSUMER, event, self.clock), user_id, self.clock.now()]
        forgotten = await self.database.fetch(_FORGET, values)
        failpoint("notifications.forget.after_commit")
        return bool(forgotten)


def _delivery(row_id: UUID, channel: Channel, user_id: UUID, event: Event, message: Message) -> Delivery:
    return Delivery(
        id=row_id,
        event_id=event.event_id,
        user_id=user_id,
        channel=channel,
        template=message.template,
        data=message.data,
        title=None,
        body=None,
        attempts=0,
    )

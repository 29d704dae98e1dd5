"""What users do with their notifications: reading them and saying which channels they want."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.subgraph.database import Database
from subgraphs.notifications.domain import Channel


@dataclass(frozen=True, slots=True)
class UserInbox:
    database: Database
    clock: Clock

    async def mark_read(self, user_id: UUID, notification_ids: Sequence[UUID]) -> None:
        """Only the user's own; others and those already read stay as they are."""
        await self.database.fetch(
            "UPDATE notification SET read_at = $3 WHERE id = any($1) AND user_id = $2 AND read_at IS NULL",
            [list(notification_ids), user_id, self.clock.now()],
        )

    async def set_preference(self, user_id: UUID, channel: Channel, is_enabled: bool) -> None:
        """Counts for messages recorded from now on."""
        await self.database.fetch(
            """INSERT INTO channel_preference (user_id, channel, is_enabled) VALUES ($1, $2, $3)
               ON CONFLICT (user_id, channel) DO UPDATE SET is_enabled = excluded.is_enabled""",
            [user_id, channel.value, is_enabled],
        )

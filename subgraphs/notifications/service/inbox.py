"""What users do with their notifications: reading them and saying which channels they want."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.subgraph.database import Database, fetch
from subgraphs.notifications.domain.words import Category, Channel

ALL = "ALL"


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

    async def mark_all_read(self, user_id: UUID) -> None:
        """The whole list in the shop."""
        await self.database.fetch(
            """UPDATE notification SET read_at = $2
               WHERE user_id = $1 AND channel = 'IN_APP' AND read_at IS NULL""",
            [user_id, self.clock.now()],
        )

    async def set_preference(
        self, user_id: UUID, channel: Channel, is_enabled: bool, category: Category | None = None
    ) -> None:
        """Counts for messages recorded from now on. Said about a whole channel it replaces what was said about its
        categories.
        """
        async with self.database.transaction() as connection:
            if category is None:
                await fetch(
                    connection,
                    "DELETE FROM channel_preference WHERE user_id = $1 AND channel = $2 AND category <> $3",
                    [user_id, channel.value, ALL],
                )
            await fetch(
                connection,
                """INSERT INTO channel_preference (user_id, channel, category, is_enabled) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (user_id, channel, category) DO UPDATE SET is_enabled = excluded.is_enabled""",
                [user_id, channel.value, category.value if category else ALL, is_enabled],
            )

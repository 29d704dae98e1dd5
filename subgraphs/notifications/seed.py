"""Notifications has no demo data of its own: messages come from events. Only the database is made ready."""

from common.subgraph.app import migrated_database
from subgraphs.notifications.app import NAME
from subgraphs.notifications.settings import NotificationsSettings


async def seed(settings: NotificationsSettings | None = None, *, database_name: str = "") -> None:
    """Creates and migrates the database if need be."""
    settings = settings or NotificationsSettings()  # type: ignore[call-arg]  # from the environment
    async with migrated_database(NAME, settings, database_name=database_name):
        pass

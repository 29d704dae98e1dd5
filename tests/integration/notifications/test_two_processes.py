"""Two processes of one subgraph share the events and the messages."""

import pytest

from common.events import Bus
from common.ids import parse_id
from subgraphs.notifications.app import create_app
from subgraphs.notifications.settings import NotificationsSettings
from tests.integration.notifications.conftest import Outside
from tests.kit.commerce import eventually
from tests.kit.order_events import order_event
from tests.kit.people import register
from tests.kit.subgraph import SubgraphClient, fresh_database_name, running

pytestmark = pytest.mark.anyio


async def test_of_two_processes_each_message_leaves_once(
    delivering: NotificationsSettings, people: SubgraphClient, bus: Bus, outside: Outside
) -> None:
    name = fresh_database_name("notifications")
    nel = await register(people, "Nel")
    async with (
        running(create_app(delivering, database_name=name)) as first,
        running(create_app(delivering, database_name=name)),
    ):
        for number in range(20):
            await bus.publish(order_event("completed", nel, number=str(number)))

        async def sent_count() -> int:
            rows = await first.app.state.runtime.database.fetch(
                """SELECT count(*) AS n FROM notification
                   WHERE status = 'SENT' AND channel = 'EMAIL' AND user_id = $1 AND template = 'order_completed'""",
                [parse_id("usr", nel.user_id)],
            )
            return int(rows[0]["n"])

        await eventually(sent_count, 20)
    subjects = [mail["subject"] for mail in await outside.delivered("mail", nel.email)]
    assert sorted(subject for subject in subjects if "delivered" in subject) == sorted(
        f"Order {number} was delivered" for number in range(20)
    )

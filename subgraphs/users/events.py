"""Events of the users subgraph. They name users by id only: an e-mail address never leaves the database in an event."""

from uuid import UUID

from common.clock import Clock
from common.events import Event, new_event
from common.ids import format_id
from subgraphs.users.domain import ID_PREFIX

SOURCE = "users"


def user_registered(user_id: UUID, clock: Clock) -> Event:
    """`users.user.registered` {user_id}"""
    public_id = format_id(ID_PREFIX, user_id)
    return new_event(
        "users.user.registered",
        aggregate_id=public_id,
        aggregate_version=1,
        payload={"user_id": public_id},
        source=SOURCE,
        clock=clock,
        user_id=public_id,
    )

"""Events of the users subgraph. They name users by id only: nothing personal and no secret leaves in an event.

users.user.registered                    {user_id}
users.user.email_verification_requested  {user_id, kind}   kind of the link, see `domain.LinkKind`
users.user.password_reset_requested      {user_id, kind}
users.user.email_change_requested        {user_id}   for the address that is to be replaced
users.user.email_changed                 {user_id}
users.user.password_changed              {user_id}
users.user.suspended                     {user_id}
users.user.reinstated                    {user_id}
users.user.erased                        {user_id}

Every subgraph refuses the tokens of who was suspended or erased (`common.subgraph.revocations`).
"""

from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.events import Event, new_event
from common.ids import format_id
from subgraphs.users.domain import ID_PREFIX, LinkKind

SOURCE = "users"


@dataclass(frozen=True, slots=True)
class UserEvents:
    """Each event carries the version of the account it leaves behind."""

    clock: Clock

    def registered(self, user_id: UUID) -> Event:
        return self._event("registered", user_id, 1)

    def email_verification_requested(self, user_id: UUID, version: int, kind: LinkKind) -> Event:
        return self._event("email_verification_requested", user_id, version, kind=kind.value)

    def password_reset_requested(self, user_id: UUID, version: int) -> Event:
        return self._event("password_reset_requested", user_id, version, kind=LinkKind.PASSWORD_RESET.value)

    def email_change_requested(self, user_id: UUID, version: int) -> Event:
        return self._event("email_change_requested", user_id, version)

    def email_changed(self, user_id: UUID, version: int) -> Event:
        return self._event("email_changed", user_id, version)

    def password_changed(self, user_id: UUID, version: int) -> Event:
        return self._event("password_changed", user_id, version)

    def suspended(self, user_id: UUID, version: int) -> Event:
        return self._event("suspended", user_id, version)

    def reinstated(self, user_id: UUID, version: int) -> Event:
        return self._event("reinstated", user_id, version)

    def erased(self, user_id: UUID, version: int) -> Event:
        return self._event("erased", user_id, version)

    def _event(self, what: str, user_id: UUID, version: int, **more: str) -> Event:
        public_id = format_id(ID_PREFIX, user_id)
        return new_event(
            f"users.user.{what}",
            aggregate_id=public_id,
            aggregate_version=version,
            payload={"user_id": public_id, **more},
            source=SOURCE,
            clock=self.clock,
            user_id=public_id,
        )

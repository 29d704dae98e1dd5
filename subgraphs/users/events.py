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
users.user.roles_removed                 {user_id}
users.user.logged_out                    {user_id}   everywhere
users.session.ended                      {user_id}   one login, by itself

Every subgraph refuses tokens from before these (`common.subgraph.revocations`): suspended, erased, roles_removed,
password_changed, logged_out; and the tokens of a session that has ended.
"""

from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.events import Event, new_event
from common.ids import format_id
from subgraphs.users.domain import ID_PREFIX, SESSION_ID_PREFIX, LinkKind

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

    def roles_removed(self, user_id: UUID, version: int) -> Event:
        return self._event("roles_removed", user_id, version)

    def logged_out(self, user_id: UUID, version: int) -> Event:
        return self._event("logged_out", user_id, version)

    def session_ended(self, user_id: UUID, login_id: UUID) -> Event:
        return self._new("session.ended", format_id(SESSION_ID_PREFIX, login_id), 1, user_id)

    def _event(self, what: str, user_id: UUID, version: int, **more: str) -> Event:
        return self._new(f"user.{what}", format_id(ID_PREFIX, user_id), version, user_id, **more)

    def _new(self, what: str, aggregate_id: str, version: int, user_id: UUID, **more: str) -> Event:
        public_id = format_id(ID_PREFIX, user_id)
        return new_event(
            f"users.{what}",
            aggregate_id=aggregate_id,
            aggregate_version=version,
            payload={"user_id": public_id, **more},
            source=SOURCE,
            clock=self.clock,
            user_id=public_id,
        )

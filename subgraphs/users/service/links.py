"""Links in messages: secrets that work once and for a while, stored as hashes.

They are made when the message that carries them is about to leave (command `commands.users.link`), so that no event, no
queue and no log ever holds one. A message sent twice carries two links; using one withdraws the others of its kind.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import Clock
from common.events import CommandError
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, fetch
from subgraphs.users.domain import LINK_LIFETIMES, LinkKind, UserStatus
from subgraphs.users.errors import BadCredentialsError, UserNotFoundError
from subgraphs.users.service.accounts import Account, Accounts, parse_user_id

TOKEN_BYTES = 32
#: live links of one kind: the oldest go when more are asked for
MAX_LIVE_COUNT = 5
INVALID = "This link is not valid any more; ask for a new one."


@dataclass(frozen=True, slots=True)
class Links:
    database: Database
    accounts: Accounts
    clock: Clock
    #: address of the front end's page for links, without a slash at its end
    page_url: str

    async def link(self, payload: dict[str, Any]) -> dict[str, str | None]:
        """Command `commands.users.link` {kind, user_id} -> {email, name, locale, phone, url}: whom to write to, and
        the link to put into the message. CommandError NOT_FOUND when there is nothing to prove (any more).
        """
        try:
            kind = LinkKind(payload.get("kind"))
            account = await self.accounts.get(parse_user_id(str(payload.get("user_id"))))
        except (ValueError, UserNotFoundError) as exc:
            raise CommandError("NOT_FOUND", "There is no such user or link.") from exc
        email = _recipient(account, kind)
        if email is None:
            raise CommandError("NOT_FOUND", "There is nothing to prove any more.")
        token = await self._new_token(account.id, kind)
        return {
            "email": email,
            "name": account.name,
            "locale": account.locale,
            "phone": None,
            # browsers tell no server what stands in a fragment
            "url": f"{self.page_url}/{kind.value.replace('_', '-')}#token={token}",
        }

    async def owner(self, token: str, *kinds: LinkKind) -> UUID:
        """Whose link it is, without using it. Raises BadCredentialsError."""
        rows = await self.database.fetch(
            """SELECT user_id FROM one_time_token WHERE token_hash = $1 AND kind = any($2) AND expires_at > $3""",
            [_hash(token), [kind.value for kind in kinds], self.clock.now()],
        )
        if not rows:
            raise BadCredentialsError(INVALID, "token")
        owner: UUID = rows[0]["user_id"]
        return owner

    async def use(self, connection: SqlConnection, token: str, *kinds: LinkKind) -> LinkKind:
        """Which of the kinds it was; it and its like are gone with the transaction. Raises BadCredentialsError."""
        rows = await fetch(
            connection,
            """DELETE FROM one_time_token WHERE token_hash = $1 AND kind = any($2) AND expires_at > $3
               RETURNING user_id, kind""",
            [_hash(token), [kind.value for kind in kinds], self.clock.now()],
        )
        if not rows:
            raise BadCredentialsError(INVALID, "token")
        kind = LinkKind(rows[0]["kind"])
        await withdraw(connection, rows[0]["user_id"], kind)
        return kind

    async def _new_token(self, user_id: UUID, kind: LinkKind) -> str:
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self.clock.now()
        await self.database.fetch(
            """WITH kept AS (SELECT id FROM one_time_token WHERE user_id = $2 AND kind = $3
                             ORDER BY id DESC LIMIT $7),
                 dropped AS (DELETE FROM one_time_token
                             WHERE user_id = $2 AND kind = $3 AND id NOT IN (SELECT id FROM kept))
               INSERT INTO one_time_token (id, user_id, kind, token_hash, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            [uuid7(), user_id, kind.value, _hash(token), now, now + LINK_LIFETIMES[kind], MAX_LIVE_COUNT - 1],
        )
        return token


async def withdraw(connection: SqlConnection, user_id: UUID, *kinds: LinkKind) -> None:
    """The user's links of those kinds work no longer."""
    await fetch(
        connection,
        "DELETE FROM one_time_token WHERE user_id = $1 AND kind = any($2)",
        [user_id, [kind.value for kind in kinds]],
    )


def _recipient(account: Account, kind: LinkKind) -> str | None:
    """Where the link goes; None when it is of no use."""
    match kind:
        case LinkKind.EMAIL_CHANGE:
            return account.new_email
        case LinkKind.EMAIL_VERIFICATION:
            return None if account.is_email_verified else account.email
        case LinkKind.PASSWORD_RESET:
            return account.email if account.status in (UserStatus.ACTIVE, UserStatus.INACTIVE) else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

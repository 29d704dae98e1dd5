"""A login's tokens: a short-lived signed access token, and a refresh token that changes with every use.

A refresh token used twice means that one of two holders stole it: the whole family is revoked. Source: RFC 9700
section 4.14.2, refresh token rotation.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from common.auth import Principal, TokenSigner
from common.clock import Clock
from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.users.service.accounts import Account

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str
    #: seconds the access token is valid
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class LoginTokens:
    signer: TokenSigner
    clock: Clock
    access_lifetime_s: int
    refresh_lifetime_s: int

    async def issue(self, connection: SqlConnection, account: Account, family_id: UUID | None = None) -> TokenPair:
        """A new pair; without `family_id` it begins a new family, that is a new login."""
        refresh_token = secrets.token_urlsafe(TOKEN_BYTES)
        now = self.clock.now()
        await fetch(
            connection,
            """INSERT INTO refresh_token (id, user_id, family_id, token_hash, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            [
                uuid7(),
                account.id,
                family_id or uuid7(),
                _hash(refresh_token),
                now,
                now + timedelta(seconds=self.refresh_lifetime_s),
            ],
        )
        principal = Principal(account.public_id, frozenset(role.value for role in account.roles), account.scopes)
        return TokenPair(self.signer.sign(principal).token, refresh_token, self.access_lifetime_s)

    async def spend(self, connection: SqlConnection, refresh_token: str) -> Row | None:
        """Marks the token used; its row (user_id, family_id), None if it cannot be used (any more).

        Issue the next token in the same transaction: who uses this one again waits for its end, and so finds the next
        one when revoking the family.
        """
        spent = await fetch(
            connection,
            """UPDATE refresh_token SET used_at = $2
               WHERE token_hash = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2
               RETURNING user_id, family_id""",
            [_hash(refresh_token), self.clock.now()],
        )
        return spent[0] if spent else None

    async def revoke_if_reused(self, database: Database, refresh_token: str) -> None:
        """Revokes the family of a token that was used before; nothing for any other."""
        await database.fetch(
            """UPDATE refresh_token SET revoked_at = $2 WHERE revoked_at IS NULL AND family_id IN
                 (SELECT family_id FROM refresh_token WHERE token_hash = $1 AND used_at IS NOT NULL)""",
            [_hash(refresh_token), self.clock.now()],
        )

    async def revoke_all(self, database: Database, user_id: UUID) -> None:
        """Every login of the user ends when its access token expires."""
        await database.fetch(
            "UPDATE refresh_token SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
            [user_id, self.clock.now()],
        )


def _hash(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()

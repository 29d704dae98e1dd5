"""A login's tokens: a short-lived signed access token, a refresh token that changes with every use, and a token that
proves to a later login that this device was logged in before.

A refresh token used twice means that one of two holders stole it: the whole login is revoked. Source: RFC 9700 section
4.14.2, refresh token rotation. Device tokens: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".

A refresh holds the account shared, and whoever ends logins has locked it before they look for tokens: so no next token
is born beside them, unseen.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from common.auth import Principal, TokenSigner
from common.clock import Clock
from common.events import Outbox, record_clause, record_values
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import InvalidIdError, format_id, parse_id, uuid7
from common.subgraph.database import Database, fetch
from subgraphs.users.domain import SESSION_ID_PREFIX
from subgraphs.users.events import UserEvents
from subgraphs.users.service.accounts import COLUMNS, FROM_ACCOUNTS, Account, Vault

log = structlog.get_logger(__name__)

TOKEN_BYTES = 32
MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class TokenSet:
    access_token: str
    refresh_token: str
    device_token: str
    #: seconds the access token is valid
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class DeviceTokens:
    """Tokens nobody stores: the id of a login and a keyed hash of it, of the account and of its password's number.

    They open nothing; a login that shows one is only counted apart from those of strangers.
    """

    secret: bytes

    def token(self, account: Account, login_id: UUID) -> str:
        return base64.urlsafe_b64encode(login_id.bytes + self._mac(account, login_id)).rstrip(b"=").decode()

    def login_of(self, token: str | None, account: Account) -> UUID | None:
        """The login the device had; None unless it was one of this account under the password it still has."""
        try:
            decoded = base64.urlsafe_b64decode(f"{token or ''}==")
        except (binascii.Error, ValueError):
            return None
        if len(decoded) != 16 + MAC_BYTES:
            return None
        login_id = UUID(bytes=decoded[:16])
        return login_id if hmac.compare_digest(decoded[16:], self._mac(account, login_id)) else None

    def _mac(self, account: Account, login_id: UUID) -> bytes:
        text = b"device" + account.id.bytes + login_id.bytes + str(account.password_number).encode()
        return hmac.new(self.secret, text, hashlib.sha256).digest()[:MAC_BYTES]


@dataclass(frozen=True, slots=True)
class LoginTokens:
    database: Database
    vault: Vault
    outbox: Outbox
    events: UserEvents
    signer: TokenSigner
    devices: DeviceTokens
    clock: Clock
    access_lifetime_s: int
    refresh_lifetime_s: int

    async def begin(self, connection: SqlConnection, account: Account) -> TokenSet | None:
        """A new login. None if the password was changed or the account closed since `account` was read.

        One statement, also on a connection without a transaction.
        """
        login_id, refresh_token, now = uuid7(), _new_refresh_token(), self.clock.now()
        begun = await fetch(
            connection,
            """WITH seen AS (
                 UPDATE user_account SET last_login_at = $2
                 WHERE id = $1 AND status = 'ACTIVE' AND password_number = $3 RETURNING id)
               INSERT INTO refresh_token (id, user_id, family_id, token_hash, created_at, expires_at)
               SELECT $4, id, $4, $5, $2, $6 FROM seen RETURNING id""",
            [account.id, now, account.password_number, login_id, _hash(refresh_token), self._refresh_expires_at()],
        )
        return self._token_set(account, login_id, refresh_token) if begun else None

    async def refresh(self, refresh_token: str) -> tuple[Account, TokenSet] | None:
        """The next tokens of the login, with the roles of now; None if the token cannot be used (any more).

        One statement: who uses the token at the same time waits for its row, finds it used, and then finds the next
        token to revoke.
        """
        next_token, now = _new_refresh_token(), self.clock.now()
        rows = await self.database.fetch(
            f"""WITH holder AS (
                  SELECT {COLUMNS} FROM {FROM_ACCOUNTS}
                  WHERE u.id = (SELECT user_id FROM refresh_token WHERE token_hash = $1) AND u.status = 'ACTIVE'
                  FOR SHARE OF u),
                spent AS (
                  UPDATE refresh_token t SET used_at = $2 FROM holder
                  WHERE t.token_hash = $1 AND t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > $2
                    AND t.user_id = holder.id
                  RETURNING t.user_id, t.family_id),
                next AS (
                  INSERT INTO refresh_token (id, user_id, family_id, token_hash, created_at, expires_at)
                  SELECT $3, user_id, family_id, $4, $2, $5 FROM spent)
                SELECT spent.family_id, holder.* FROM spent, holder""",
            [_hash(refresh_token), now, uuid7(), _hash(next_token), self._refresh_expires_at()],
        )
        failpoint("users.refresh.after_commit")
        if not rows:
            await self._revoke_if_reused(refresh_token)
            return None
        account = self.vault.account_of(rows[0])
        return account, self._token_set(account, rows[0]["family_id"], next_token)

    async def end(self, user_id: UUID, session: str | None) -> bool:
        """Ends that login of the user; False if there is none of that name, or it has ended."""
        try:
            login_id = parse_id(SESSION_ID_PREFIX, session or "")
        except InvalidIdError:
            return False
        async with self.database.transaction() as connection:
            await fetch(connection, "SELECT id FROM user_account WHERE id = $1 FOR UPDATE", [user_id])
            return await self._end(connection, user_id, login_id)

    async def end_all(self, user_id: UUID) -> None:
        """Ends every login of the user."""
        now = self.clock.now()
        async with self.database.transaction() as connection:
            accounts = await fetch(
                connection,
                """UPDATE user_account SET version = version + 1, updated_at = $2
                   WHERE id = $1 AND status <> 'ERASED' RETURNING version""",
                [user_id, now],
            )
            if accounts:
                await revoke_all(connection, user_id, now)
                await self.outbox.add(connection, self.events.logged_out(user_id, accounts[0]["version"]))

    async def _revoke_if_reused(self, refresh_token: str) -> None:
        """Ends the login of a token that was used before; nothing for any other."""
        async with self.database.transaction() as connection:
            reused = await fetch(
                connection,
                """SELECT t.user_id, t.family_id FROM refresh_token t JOIN user_account u ON u.id = t.user_id
                   WHERE t.token_hash = $1 AND t.used_at IS NOT NULL FOR UPDATE OF u""",
                [_hash(refresh_token)],
            )
            if reused and await self._end(connection, reused[0]["user_id"], reused[0]["family_id"]):
                log.warning("a refresh token was used twice, its login is revoked", login=str(reused[0]["family_id"]))

    async def _end(self, connection: SqlConnection, user_id: UUID, login_id: UUID) -> bool:
        """Of an account that is locked. False: it had ended before."""
        ended = await fetch(
            connection,
            f"""WITH ended AS (
                  UPDATE refresh_token SET revoked_at = $3
                  WHERE family_id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id),
                {record_clause(4, only_if="ended")}
                SELECT id FROM ended""",
            [login_id, user_id, self.clock.now(), *record_values(self.events.session_ended(user_id, login_id))],
        )
        self.outbox.wake()
        return bool(ended)

    def _refresh_expires_at(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.refresh_lifetime_s)

    def _token_set(self, account: Account, login_id: UUID, refresh_token: str) -> TokenSet:
        principal = Principal(
            account.public_id,
            frozenset(role.value for role in account.roles),
            account.scopes,
            format_id(SESSION_ID_PREFIX, login_id),
            account.version,
        )
        return TokenSet(
            self.signer.sign(principal).token,
            refresh_token,
            self.devices.token(account, login_id),
            self.access_lifetime_s,
        )


async def revoke_all(connection: SqlConnection, user_id: UUID, now: datetime) -> None:
    """The refresh tokens of an account that is locked; who calls it tells why, by an event."""
    await fetch(
        connection,
        "UPDATE refresh_token SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        [user_id, now],
    )


def _new_refresh_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

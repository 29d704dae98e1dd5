"""Forgotten and changed passwords."""

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from common.clock import Clock
from common.events import Outbox
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import uuid7
from common.resilience import RateLimiter
from common.subgraph.database import Database, fetch
from common.subgraph.due import Signal
from subgraphs.users.domain import LinkKind, UserStatus, check_password
from subgraphs.users.errors import BadCredentialsError
from subgraphs.users.events import UserEvents
from subgraphs.users.service.accounts import Account, parse_user_id
from subgraphs.users.service.links import INVALID, Links, withdraw
from subgraphs.users.service.logins import SUSPENDED, Logins
from subgraphs.users.service.tokens import TokenSet, revoke_all

#: requests looked up in one transaction
BATCH = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    database: Database
    logins: Logins
    links: Links
    outbox: Outbox
    events: UserEvents
    clock: Clock
    #: messages per address; further wishes are dropped without a word
    resets: RateLimiter
    reset_due: Signal
    #: accounts by the status they entered
    entered: Counter

    async def request_reset(self, email: str) -> None:
        """Notes the wish and nothing else: the same statement for any address, so neither the answer nor its time says
        whether it has an account. `send_requested` looks it up. Raises InvalidUserInputError for what is no address.
        """
        email_hash = self.logins.accounts.vault.email_hash(email)
        if (await self.resets.hit(email_hash)).is_allowed:
            await self.database.fetch(
                "INSERT INTO password_reset_request (id, email_hash, requested_at) VALUES ($1, $2, $3)",
                [uuid7(), email_hash, self.clock.now()],
            )
            self.reset_due.wake()

    async def send_requested(self) -> int:
        """The events behind noted wishes, for addresses that have an account; how many wishes there were."""
        async with self.database.transaction() as connection:
            rows = await fetch(
                connection,
                """WITH taken AS (
                     DELETE FROM password_reset_request WHERE id IN
                       (SELECT id FROM password_reset_request ORDER BY requested_at LIMIT $1 FOR UPDATE SKIP LOCKED)
                     RETURNING email_hash)
                   SELECT u.id, u.version FROM taken LEFT JOIN user_account u
                     ON u.email_hash = taken.email_hash AND u.status IN ('ACTIVE', 'INACTIVE')""",
                [BATCH],
            )
            events = [
                self.events.password_reset_requested(row["id"], row["version"]) for row in rows if row["id"] is not None
            ]
            if events:
                await self.outbox.add(connection, *events)
            failpoint("users.reset_request.before_commit")
        failpoint("users.reset_request.after_commit")
        return len(rows)

    async def reset(self, token: str, new_password: str) -> tuple[Account, TokenSet]:
        """A new password for who has the mailbox: all logins and device tokens end, this one begins. An account without
        a password becomes ACTIVE. Raises BadCredentialsError, InvalidUserInputError.
        """
        check_password(new_password, "newPassword")
        # guessed tokens must not cost a hash
        user_id = await self.links.owner(token, LinkKind.PASSWORD_RESET)
        password_hash = await self.logins.passwords.hash(new_password)
        async with self.database.transaction() as connection:
            # the account before its links, as everybody else locks them
            account = await self.logins.accounts.get_locked(connection, user_id)
            await self.links.use(connection, token, LinkKind.PASSWORD_RESET)
            if account.status not in (UserStatus.ACTIVE, UserStatus.INACTIVE):
                raise BadCredentialsError(INVALID, "token")
            answer = await self._replace(connection, account, password_hash, self.clock.now())
            failpoint("users.reset.before_commit")
        failpoint("users.reset.after_commit")
        if account.status is UserStatus.INACTIVE:
            self.entered.labels(UserStatus.ACTIVE.value.lower()).inc()
        await self.logins.throttle.succeeded(account.email_hash, None)
        return answer

    async def change(
        self, user_id: str, current_password: str, new_password: str, device_token: str | None
    ) -> tuple[Account, TokenSet]:
        """As `reset`, for who knows the old password: an access token alone is not enough.

        Raises BadCredentialsError, RateLimitedError, InvalidUserInputError, UserNotFoundError.
        """
        check_password(new_password, "newPassword")
        account = await self.logins.accounts.get(parse_user_id(user_id))
        await self.logins.require_password(account, account.email_hash, current_password, device_token)
        password_hash = await self.logins.passwords.hash(new_password)
        async with self.database.transaction() as connection:
            locked = await self.logins.accounts.get_locked(connection, account.id)
            if locked.status is not UserStatus.ACTIVE:
                raise BadCredentialsError(SUSPENDED)
            if locked.password_number != account.password_number:
                raise BadCredentialsError("The password was changed meanwhile; log in again.")
            return await self._replace(connection, locked, password_hash, None)

    async def _replace(
        self, connection: SqlConnection, account: Account, password_hash: str, verified_at: datetime | None
    ) -> tuple[Account, TokenSet]:
        await fetch(
            connection,
            """UPDATE user_account SET password_hash = $2, password_number = password_number + 1, status = 'ACTIVE',
                 email_verified_at = coalesce(email_verified_at, $3), version = version + 1, updated_at = $4
               WHERE id = $1""",
            [account.id, password_hash, verified_at, self.clock.now()],
        )
        await revoke_all(connection, account.id, self.clock.now())
        await withdraw(connection, account.id, LinkKind.PASSWORD_RESET)
        changed = await self.logins.accounts.get_locked(connection, account.id)
        await self.outbox.add(connection, self.events.password_changed(changed.id, changed.version))
        return changed, await self.logins.begin(connection, changed)

"""Logging in, staying logged in and logging out."""

from dataclasses import dataclass

from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.subgraph.database import Database
from subgraphs.users.domain import UserStatus
from subgraphs.users.errors import BadCredentialsError
from subgraphs.users.passwords import Passwords
from subgraphs.users.service.accounts import Account, Accounts, parse_user_id
from subgraphs.users.service.throttle import LoginThrottle
from subgraphs.users.service.tokens import LoginTokens, TokenSet

WRONG = "The e-mail address or the password is wrong."
SUSPENDED = "This account is suspended; write to the support of the shop."


@dataclass(frozen=True, slots=True)
class Logins:
    database: Database
    accounts: Accounts
    passwords: Passwords
    tokens: LoginTokens
    throttle: LoginThrottle

    async def login(self, email: str, password: str, device_token: str | None = None) -> tuple[Account, TokenSet]:
        """Raises BadCredentialsError without saying why, RateLimitedError after too many tries, and
        InvalidUserInputError for what is no address at all."""
        email_hash = self.accounts.vault.email_hash(email)
        account = await self.accounts.by_email_hash(email_hash)
        await self.require_password(account, email_hash, password, device_token)
        if account is None or account.status is not UserStatus.ACTIVE:
            # who knows the password is told: there is nothing left to guess
            is_suspended = account is not None and account.status is UserStatus.SUSPENDED
            raise BadCredentialsError(SUSPENDED if is_suspended else WRONG)
        await self._rehash(account, password)
        async with self.database.transaction() as connection:
            return account, await self.begin(connection, account)

    async def require_password(
        self, account: Account | None, email_hash: str, password: str, device_token: str | None
    ) -> None:
        """Counts the try, then verifies; the same work for an account that does not exist.

        Raises BadCredentialsError, RateLimitedError.
        """
        login_id = self.tokens.devices.login_of(device_token, account) if account else None
        await self.throttle.count(email_hash, login_id)
        # an unknown account costs a verification too: the time of the answer must not tell
        is_right = await self.passwords.verify(account.password_hash if account else None, password)
        if not is_right:
            raise BadCredentialsError(WRONG)
        await self.throttle.succeeded(email_hash, login_id)

    async def begin(self, connection: SqlConnection, account: Account) -> TokenSet:
        """Raises BadCredentialsError if the password was changed or the account closed meanwhile."""
        tokens = await self.tokens.begin(connection, account)
        failpoint("users.login.before_commit")
        if tokens is None:
            raise BadCredentialsError(WRONG)
        return tokens

    async def refresh(self, refresh_token: str) -> tuple[Account, TokenSet]:
        """The next tokens of the login. Raises BadCredentialsError."""
        refreshed = await self.tokens.refresh(refresh_token)
        if refreshed is None:
            raise BadCredentialsError("The refresh token is not valid any more; log in again.", "refreshToken")
        return refreshed

    async def logout(self, user_id: str, session: str | None) -> bool:
        """Ends the login the access token belongs to; False for a token of none, or when it has ended."""
        return await self.tokens.end(parse_user_id(user_id), session)

    async def logout_all(self, user_id: str) -> None:
        """Ends every login of the user."""
        await self.tokens.end_all(parse_user_id(user_id))

    async def _rehash(self, account: Account, password: str) -> None:
        """Passwords hashed with older cost parameters move to today's when they pass by."""
        if account.password_hash is None or not self.passwords.needs_rehash(account.password_hash):
            return
        await self.database.fetch(
            "UPDATE user_account SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
            [account.id, account.password_hash, await self.passwords.hash(password)],
        )

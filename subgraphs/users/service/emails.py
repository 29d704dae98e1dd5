"""Proving an e-mail address, and changing it: the new one counts once a link sent there was used."""

from dataclasses import dataclass

from tortoise.exceptions import IntegrityError

from common.clock import Clock
from common.events import Event, Outbox
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.resilience import RateLimiter
from common.subgraph.database import Database, fetch
from subgraphs.users.domain import LinkKind, check_email
from subgraphs.users.errors import BadCredentialsError, EmailTakenError, UserNotFoundError
from subgraphs.users.events import UserEvents
from subgraphs.users.service.accounts import Account, account_place, parse_user_id
from subgraphs.users.service.links import INVALID, Links, withdraw
from subgraphs.users.service.logins import Logins


@dataclass(frozen=True, slots=True)
class Emails:
    database: Database
    logins: Logins
    links: Links
    outbox: Outbox
    events: UserEvents
    clock: Clock
    #: messages per account; further wishes are dropped without a word
    messages: RateLimiter

    async def request_verification(self, user_id: str) -> None:
        """Another message with a link, unless the address is proved. Raises UserNotFoundError."""
        account = await self.logins.accounts.get(parse_user_id(user_id))
        if account.is_email_verified or not (await self.messages.hit(account.public_id)).is_allowed:
            return
        async with self.database.transaction() as connection:
            await self.outbox.add(connection, self._requested(account, LinkKind.EMAIL_VERIFICATION))

    async def request_change(self, user_id: str, new_email: str, password: str, device_token: str | None) -> Account:
        """Notes the new address, and has a link sent there and a warning to the present one. Whether the new address
        has an account already is not said: only who reads its mail learns that.

        Raises InvalidUserInputError, BadCredentialsError, RateLimitedError, UserNotFoundError.
        """
        new_email = check_email(new_email, "newEmail")
        account = await self.logins.accounts.get(parse_user_id(user_id))
        await self.logins.require_password(account, account.email_hash, password, device_token)
        async with self.database.transaction() as connection:
            sealer = await self.logins.accounts.vault.keys.sealer(connection, account.id)
            await fetch(
                connection,
                """UPDATE user_account SET new_email_sealed = $2, version = version + 1, updated_at = $3
                   WHERE id = $1 AND status <> 'ERASED'""",
                [account.id, sealer.seal(new_email, account_place("new_email", account.id)), self.clock.now()],
            )
            # a link sent to the address wished for before proves nothing about this one
            await withdraw(connection, account.id, LinkKind.EMAIL_CHANGE)
            changed = await self.logins.accounts.get_locked(connection, account.id)
            if (await self.messages.hit(account.public_id)).is_allowed:
                await self.outbox.add(
                    connection,
                    self._requested(changed, LinkKind.EMAIL_CHANGE),
                    self.events.email_change_requested(changed.id, changed.version),
                )
            return changed

    async def confirm(self, token: str) -> None:
        """Uses a link of either kind. Raises BadCredentialsError, EmailTakenError."""
        kinds = (LinkKind.EMAIL_VERIFICATION, LinkKind.EMAIL_CHANGE)
        user_id = await self.links.owner(token, *kinds)
        try:
            async with self.database.transaction() as connection:
                # the account before its links, as everybody else locks them
                account = await self.logins.accounts.get_locked(connection, user_id)
                kind = await self.links.use(connection, token, *kinds)
                if kind is LinkKind.EMAIL_VERIFICATION:
                    await self._verify(connection, account)
                else:
                    await self._change(connection, account)
                failpoint("users.email.before_commit")
        except UserNotFoundError as exc:  # erased a moment ago
            raise BadCredentialsError(INVALID, "token") from exc
        except IntegrityError as exc:
            raise EmailTakenError("An account with this e-mail address exists already.", "token") from exc
        failpoint("users.email.after_commit")

    def _requested(self, account: Account, kind: LinkKind) -> Event:
        return self.events.email_verification_requested(account.id, account.version, kind)

    async def _verify(self, connection: SqlConnection, account: Account) -> None:
        await fetch(
            connection,
            """UPDATE user_account SET email_verified_at = coalesce(email_verified_at, $2), version = version + 1,
                 updated_at = $2 WHERE id = $1""",
            [account.id, self.clock.now()],
        )

    async def _change(self, connection: SqlConnection, account: Account) -> None:
        if account.new_email is None:
            raise BadCredentialsError(INVALID, "token")
        vault = self.logins.accounts.vault
        sealer = await vault.keys.sealer(connection, account.id)
        await fetch(
            connection,
            """UPDATE user_account SET email_sealed = $2, email_hash = $3, new_email_sealed = NULL,
                 email_verified_at = $4, version = version + 1, updated_at = $4 WHERE id = $1""",
            [
                account.id,
                sealer.seal(account.new_email, account_place("email", account.id)),
                vault.email_hash(account.new_email),
                self.clock.now(),
            ],
        )
        # links of both kinds went to the address that was
        await withdraw(connection, account.id, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_VERIFICATION)
        changed = await self.logins.accounts.get_locked(connection, account.id)
        await self.outbox.add(connection, self.events.email_changed(changed.id, changed.version))

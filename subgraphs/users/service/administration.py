"""Roles, suspension, and the end of accounts. The shop keeps an administrator: all three look for another one first."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from prometheus_client import Counter

from common.clock import Clock
from common.events import Event, Outbox
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.subgraph.database import Database, fetch
from subgraphs.users.domain import LinkKind, Role, UserStatus
from subgraphs.users.errors import InvalidUserInputError, LastAdminError
from subgraphs.users.events import UserEvents
from subgraphs.users.service.accounts import Account, Accounts, parse_user_id
from subgraphs.users.service.links import withdraw
from subgraphs.users.service.tokens import revoke_all

#: two administrators are never made less at once, so "is there another one" stays true until the commit
ROLES_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('users roles', 0))"


@dataclass(frozen=True, slots=True)
class Administration:
    database: Database
    accounts: Accounts
    outbox: Outbox
    events: UserEvents
    clock: Clock
    #: accounts by the status they entered
    entered: Counter

    async def set_roles(self, user_id: str, roles: Sequence[Role]) -> Account:
        """A role that is taken away ends the access tokens that are about, as soon as the other processes hear of it;
        one that is given comes with the next refresh.

        Raises UserNotFoundError, InvalidUserInputError (no role), LastAdminError.
        """
        if not roles:
            raise InvalidUserInputError("A user has at least one role.", "roles")
        account_id = parse_user_id(user_id)
        async with self.database.transaction() as connection:
            await fetch(connection, ROLES_LOCK)
            account = await self.accounts.get_locked(connection, account_id)
            if Role.ADMIN in account.roles and Role.ADMIN not in roles:
                await _require_another_admin(connection, account_id)
            await fetch(
                connection,
                """UPDATE user_account SET roles = $2::text[], version = version + 1, updated_at = $3 WHERE id = $1""",
                [account_id, sorted({role.value for role in roles}), self.clock.now()],
            )
            if not set(account.roles) <= set(roles):
                await self.outbox.add(connection, self.events.roles_removed(account_id, account.version + 1))
            return await self.accounts.get_locked(connection, account_id)

    async def suspend(self, user_id: str) -> Account:
        """Ends all logins; none begins until `reinstate`. Access tokens that are about are refused as soon as the other
        processes hear of it. One who is suspended stays so. Raises UserNotFoundError, LastAdminError.
        """
        account_id = parse_user_id(user_id)
        async with self.database.transaction() as connection:
            await fetch(connection, ROLES_LOCK)
            account = await self.accounts.get_locked(connection, account_id)
            if account.status is UserStatus.SUSPENDED:
                return account
            if Role.ADMIN in account.roles:
                await _require_another_admin(connection, account_id)
            await revoke_all(connection, account_id, self.clock.now())
            event = self.events.suspended(account_id, account.version + 1)
            changed = await self._enter(connection, account, UserStatus.SUSPENDED, event)
        self.entered.labels(changed.status.value.lower()).inc()
        return changed

    async def reinstate(self, user_id: str) -> Account:
        """May log in again, in the roles from before. One who is not suspended stays as they are. Raises
        UserNotFoundError.
        """
        account_id = parse_user_id(user_id)
        async with self.database.transaction() as connection:
            account = await self.accounts.get_locked(connection, account_id)
            if account.status is not UserStatus.SUSPENDED:
                return account
            status = UserStatus.ACTIVE if account.password_hash else UserStatus.INACTIVE
            event = self.events.reinstated(account_id, account.version + 1)
            changed = await self._enter(connection, account, status, event)
        self.entered.labels(changed.status.value.lower()).inc()
        return changed

    async def _enter(self, connection: SqlConnection, account: Account, status: UserStatus, event: Event) -> Account:
        await fetch(
            connection,
            "UPDATE user_account SET status = $2, version = version + 1, updated_at = $3 WHERE id = $1",
            [account.id, status.value, self.clock.now()],
        )
        await self.outbox.add(connection, event)
        return await self.accounts.get_locked(connection, account.id)

    async def erase(self, user_id: str) -> Account:
        """Forgets the account's data key and all that is personal; the id stays, for the orders that name it. Its
        address may be registered anew. Other subgraphs follow `users.user.erased`.

        Raises UserNotFoundError, also for one erased before, LastAdminError.
        """
        account_id = parse_user_id(user_id)
        async with self.database.transaction() as connection:
            await fetch(connection, ROLES_LOCK)
            account = await self.accounts.get_locked(connection, account_id)
            if Role.ADMIN in account.roles:
                await _require_another_admin(connection, account_id)
            await fetch(
                connection,
                """UPDATE user_account SET status = $2, name = NULL, name_sealed = NULL, email_sealed = NULL,
                     phone_sealed = NULL, new_email_sealed = NULL, email_hash = 'erased ' || id, password_hash = NULL,
                     password_number = password_number + 1, email_verified_at = NULL, roles = '{}',
                     version = version + 1, updated_at = $3
                   WHERE id = $1""",
                [account_id, UserStatus.ERASED.value, self.clock.now()],
            )
            await self.accounts.vault.keys.forget(connection, account_id)
            await fetch(connection, "DELETE FROM customer_address WHERE user_id = $1", [account_id])
            await fetch(connection, "DELETE FROM refresh_token WHERE user_id = $1", [account_id])
            await fetch(connection, "DELETE FROM password_reset_request WHERE email_hash = $1", [account.email_hash])
            await withdraw(connection, account_id, *LinkKind)
            await self.outbox.add(connection, self.events.erased(account_id, account.version + 1))
            failpoint("users.erase.before_commit")
            rows = await self.accounts.rows(connection, account_id)
        failpoint("users.erase.after_commit")
        self.entered.labels(UserStatus.ERASED.value.lower()).inc()
        return self.accounts.vault.account_of(rows[0])


async def _require_another_admin(connection: SqlConnection, account_id: UUID) -> None:
    if not await fetch(
        connection,
        "SELECT 1 FROM user_account WHERE 'ADMIN' = ANY(roles) AND status = 'ACTIVE' AND id <> $1 LIMIT 1",
        [account_id],
    ):
        raise LastAdminError("The shop needs an administrator.", "roles")

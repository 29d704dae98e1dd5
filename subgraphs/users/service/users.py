"""What can be done with users. Each method is one use case; one that raises `RefusedError` has changed nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from common.clock import Clock
from common.errors import RateLimitedError
from common.events import CommandError, Outbox
from common.events.sql import SqlConnection
from common.ids import InvalidIdError, parse_id, uuid7
from common.resilience import RateLimiter
from common.subgraph.database import Database, fetch
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.idempotency import IdempotentRequest, RejectedError, run_idempotent
from common.subgraph.sealing import Sealer
from subgraphs.users.domain import (
    ADDRESS_ID_PREFIX,
    ID_PREFIX,
    Role,
    UserStatus,
    check_email,
    check_label,
    check_name,
    check_password,
    check_postal_address,
)
from subgraphs.users.errors import (
    BadCredentialsError,
    EmailTakenError,
    InvalidUserInputError,
    LastAdminError,
    UserNotFoundError,
)
from subgraphs.users.events import user_registered
from subgraphs.users.passwords import Passwords
from subgraphs.users.service.accounts import COLUMNS, Account, EmailVault, account_of, insert_account
from subgraphs.users.service.tokens import LoginTokens, TokenPair

#: two sets of roles are never changed at once, so "is there another administrator" stays true until the commit
ROLES_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('users roles', 0))"


@dataclass(frozen=True, slots=True)
class UserService:
    database: Database
    outbox: Outbox
    clock: Clock
    vault: EmailVault
    sealer: Sealer
    passwords: Passwords
    tokens: LoginTokens
    login_limiter: RateLimiter

    async def register(
        self, *, name: str, email: str, password: str | None, idempotency_key: str | None
    ) -> tuple[Account, TokenPair | None]:
        """A CUSTOMER, logged in if a password was given. Without one the account is INACTIVE.

        Raises InvalidUserInputError, EmailTakenError, IdempotencyConflictedError.
        """
        name, email = check_name(name), check_email(email)
        password_hash = await self.passwords.hash(check_password(password)) if password is not None else None
        # the password is no part of the request's hash: a fast hash of it must not lie in the database
        request = IdempotentRequest(
            caller="anonymous",
            operation="userRegister",
            key=idempotency_key or str(uuid7()),
            request={"name": name, "email": self.vault.hash(email), "has_password": password is not None},
        )

        async def effect(connection: SqlConnection) -> dict[str, Any]:
            user_id = uuid7()
            is_new = await insert_account(
                connection,
                self.vault,
                user_id=user_id,
                name=name,
                email=email,
                password_hash=password_hash,
                roles=[Role.CUSTOMER],
                now=self.clock.now(),
            )
            if not is_new:
                raise RejectedError({"error": "EMAIL_TAKEN"})
            await self.outbox.add(connection, user_registered(user_id, self.clock))
            return {"user_id": str(user_id)}

        outcome = await run_idempotent(self.database, self.clock, request, effect)
        if "user_id" not in outcome.answer:
            raise EmailTakenError("An account with this e-mail address exists already.", "email")
        account = await self._account(UUID(outcome.answer["user_id"]))
        if password is None:
            return account, None
        # whoever repeats a registration must know the password to get into the account
        if outcome.is_replay and not await self.passwords.verify(account.password_hash, password):
            raise IdempotencyConflictedError("This idempotency key was used for another request.")
        return account, await self._log_in(account)

    async def login(self, email: str, password: str) -> tuple[Account, TokenPair]:
        """Raises BadCredentialsError without saying why, RateLimitedError after too many attempts on one account."""
        email_hash = self.vault.hash(check_email(email))
        decision = await self.login_limiter.hit(email_hash)
        if not decision.is_allowed:
            raise RateLimitedError("too many logins", retry_after_s=decision.retry_after_s)
        rows = await self.database.fetch(f"SELECT {COLUMNS} FROM user_account WHERE email_hash = $1", [email_hash])
        account = account_of(rows[0]) if rows else None
        # an unknown account costs a verification too: the time of the answer must not tell
        is_right = await self.passwords.verify(account.password_hash if account else None, password)
        if account is None or not is_right or account.status is not UserStatus.ACTIVE:
            raise BadCredentialsError("The e-mail address or the password is wrong.")
        return account, await self._log_in(account)

    async def refresh(self, refresh_token: str) -> tuple[Account, TokenPair]:
        """The next pair of the family, with the roles of now. Raises BadCredentialsError."""
        async with self.database.transaction() as connection:
            spent = await self.tokens.spend(connection, refresh_token)
            account = await self._account(spent["user_id"]) if spent else None
            if spent and account and account.status is UserStatus.ACTIVE:
                return account, await self.tokens.issue(connection, account, spent["family_id"])
        await self.tokens.revoke_if_reused(self.database, refresh_token)
        raise BadCredentialsError("The refresh token is not valid any more; log in again.", "refreshToken")

    async def logout(self, user_id: str) -> None:
        """Ends all logins of the user: access tokens do not say which of them they belong to."""
        await self.tokens.revoke_all(self.database, _parse_user_id(user_id))

    async def update(self, user_id: str, *, name: str | None, expected_version: int | None) -> Account:
        """Raises InvalidUserInputError (also for a stale version), UserNotFoundError."""
        account = await self._account(_parse_user_id(user_id))
        rows = await self.database.fetch(
            f"""UPDATE user_account SET name = $2, version = version + 1, updated_at = $3
                WHERE id = $1 AND version = $4 RETURNING {COLUMNS}""",
            [
                account.id,
                account.name if name is None else check_name(name),
                self.clock.now(),
                account.version if expected_version is None else expected_version,
            ],
        )
        if not rows:
            raise InvalidUserInputError("The user was changed meanwhile; read it again.", "expectedVersion")
        return account_of(rows[0])

    async def save_address(
        self, user_id: str, *, address_id: str | None, label: str | None, address: dict[str, str | None]
    ) -> Account:
        """Adds an address, or replaces the user's own one with that id. The first one becomes the default.

        Raises InvalidUserInputError, UserNotFoundError.
        """
        account = await self._account(_parse_user_id(user_id))
        label, checked = check_label(label), check_postal_address(address)
        row_id = uuid7() if address_id is None else _parse_address_id(address_id)
        sealed = self.sealer.seal(orjson.dumps(checked).decode(), address_place(row_id))
        if address_id is None:
            await self.database.fetch(
                """INSERT INTO customer_address (id, user_id, label, is_default, address_sealed, created_at)
                   SELECT $1, $2, $3, NOT EXISTS (SELECT 1 FROM customer_address WHERE user_id = $2), $4, $5""",
                [row_id, account.id, label, sealed, self.clock.now()],
            )
        elif not await self.database.fetch(
            "UPDATE customer_address SET label = $3, address_sealed = $4 WHERE id = $1 AND user_id = $2 RETURNING id",
            [row_id, account.id, label, sealed],
        ):
            raise UserNotFoundError("There is no such address.", "id")
        return account

    async def set_roles(self, user_id: str, roles: Sequence[Role]) -> Account:
        """Takes effect with the next refresh of the user's access token.

        Raises UserNotFoundError, InvalidUserInputError (no role), LastAdminError.
        """
        if not roles:
            raise InvalidUserInputError("A user has at least one role.", "roles")
        account_id = _parse_user_id(user_id)
        async with self.database.transaction() as connection:
            await fetch(connection, ROLES_LOCK)
            if Role.ADMIN not in roles and not await fetch(
                connection, "SELECT 1 FROM user_account WHERE 'ADMIN' = ANY(roles) AND id <> $1 LIMIT 1", [account_id]
            ):
                raise LastAdminError("The shop needs an administrator.", "roles")
            rows = await fetch(
                connection,
                f"""UPDATE user_account SET roles = $2::text[], version = version + 1, updated_at = $3
                    WHERE id = $1 RETURNING {COLUMNS}""",
                [account_id, sorted({role.value for role in roles}), self.clock.now()],
            )
        if not rows:
            raise UserNotFoundError("There is no such user.", "id")
        return account_of(rows[0])

    def email_hash(self, text: str | None) -> str | None:
        """How the address is stored, None if the text is not one."""
        try:
            return self.vault.hash(check_email(text or ""))
        except InvalidUserInputError:
            return None

    async def contact(self, payload: dict[str, Any]) -> dict[str, str]:
        """Command `commands.users.contact` {user_id} -> {email, name}, for those who write to users."""
        try:
            account = await self._account(_parse_user_id(str(payload.get("user_id"))))
        except UserNotFoundError as exc:
            raise CommandError("NOT_FOUND", "There is no such user.") from exc
        return {"email": self.vault.unseal(account), "name": account.name}

    async def _log_in(self, account: Account) -> TokenPair:
        async with self.database.transaction() as connection:
            await fetch(
                connection, "UPDATE user_account SET last_login_at = $2 WHERE id = $1", [account.id, self.clock.now()]
            )
            return await self.tokens.issue(connection, account)

    async def _account(self, user_id: UUID) -> Account:
        rows = await self.database.fetch(f"SELECT {COLUMNS} FROM user_account WHERE id = $1", [user_id])
        if not rows:
            raise UserNotFoundError("There is no such user.", "id")
        return account_of(rows[0])


def address_place(address_id: UUID) -> str:
    """Where an address is stored, for its seal."""
    return f"customer_address.address:{address_id}"


def _parse_user_id(text: str) -> UUID:
    try:
        return parse_id(ID_PREFIX, text)
    except InvalidIdError as exc:
        raise UserNotFoundError("There is no such user.", "id") from exc


def _parse_address_id(text: str) -> UUID:
    try:
        return parse_id(ADDRESS_ID_PREFIX, text)
    except InvalidIdError as exc:
        raise UserNotFoundError("There is no such address.", "id") from exc

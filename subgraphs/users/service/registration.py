"""New accounts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from prometheus_client import Counter

from common.clock import Clock
from common.events import Outbox
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.flags import Flag, Flags
from common.ids import uuid7
from common.subgraph.database import Database
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.idempotency import Answer, IdempotentRequest, RejectedError, run_idempotent
from subgraphs.users.domain import Role, UserStatus, check_email, check_name, check_password
from subgraphs.users.errors import EmailTakenError, InvalidUserInputError
from subgraphs.users.events import UserEvents
from subgraphs.users.service.accounts import Account, Vault, insert_account
from subgraphs.users.service.logins import Logins
from subgraphs.users.service.tokens import TokenSet

REGISTRATION = Flag("registration", True, "new accounts are made")


@dataclass(frozen=True, slots=True)
class Registration:
    database: Database
    vault: Vault
    logins: Logins
    outbox: Outbox
    events: UserEvents
    clock: Clock
    #: accounts by the status they entered
    entered: Counter
    flags: Flags

    async def register(
        self, *, name: str, email: str, password: str | None, idempotency_key: str | None
    ) -> tuple[Account, TokenSet | None]:
        """A CUSTOMER, logged in if a password was given. Without one the account is INACTIVE: a guest's, until a
        password is set through a link.

        That an address is taken is said, as whoever registers is logged in at once; the work is the same either way.
        Raises InvalidUserInputError, EmailTakenError, IdempotencyConflictedError.
        """
        if not self.flags.is_on(REGISTRATION):
            raise InvalidUserInputError("No new accounts are made at the moment.", "email")
        name, email = check_name(name), check_email(email)
        passwords = self.logins.passwords
        password_hash = await passwords.hash(check_password(password)) if password is not None else None

        async def effect(connection: SqlConnection) -> Answer:
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
            await self.outbox.add(connection, self.events.registered(user_id))
            failpoint("users.register.before_commit")
            return {"user_id": str(user_id)}

        if idempotency_key is None:
            is_replay, answer = False, await self._run_once(effect)
        else:
            # the password is no part of the request's hash: a fast hash of it must not lie in the database
            request = IdempotentRequest(
                caller="anonymous",
                operation="userRegister",
                key=idempotency_key,
                request={
                    "name": self.vault.index.hash(name),
                    "email": self.vault.index.hash(email),
                    "has_password": password is not None,
                },
            )
            outcome = await run_idempotent(self.database, self.clock, request, effect)
            is_replay, answer = outcome.is_replay, outcome.answer
        failpoint("users.register.after_commit")
        if "user_id" not in answer:
            raise EmailTakenError("An account with this e-mail address exists already.", "email")
        account = await self.logins.accounts.get(UUID(answer["user_id"]))
        if not is_replay:
            self.entered.labels(account.status.value.lower()).inc()
        if password is None:
            return account, None
        # whoever repeats a registration must know the password to get into the account
        if is_replay and not await self._may_repeat(account, password):
            raise IdempotencyConflictedError("This idempotency key was used for another request.")
        async with self.database.transaction() as connection:
            return account, await self.logins.begin(connection, account)

    async def _run_once(self, effect: Callable[[SqlConnection], Awaitable[Answer]]) -> Answer:
        try:
            async with self.database.transaction() as connection:
                return await effect(connection)
        except RejectedError as rejection:
            return rejection.answer

    async def _may_repeat(self, account: Account, password: str) -> bool:
        return account.status is UserStatus.ACTIVE and await self.logins.passwords.verify(
            account.password_hash, password
        )

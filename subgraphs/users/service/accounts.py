"""Rows of `user_account`: reading them, and the one place where the sealed e-mail address is written and opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.events.sql import SqlConnection
from common.ids import format_id
from common.subgraph.database import Row, fetch
from common.subgraph.sealing import BlindIndex, Sealer
from subgraphs.users.domain import ID_PREFIX, Role, UserStatus, scopes_of

COLUMNS = (
    "id, name, email_sealed, email_hash, password_hash, status, roles, version, created_at, updated_at, last_login_at"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A user as stored; the e-mail address stays sealed until somebody who may see it asks."""

    id: UUID
    name: str
    email_sealed: bytes
    password_hash: str | None
    status: UserStatus
    roles: tuple[Role, ...]
    version: int
    created_at: datetime
    last_login_at: datetime | None

    @property
    def public_id(self) -> str:
        return format_id(ID_PREFIX, self.id)

    @property
    def scopes(self) -> frozenset[str]:
        return scopes_of(self.roles)


def account_of(row: Row) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        email_sealed=row["email_sealed"],
        password_hash=row["password_hash"],
        status=UserStatus(row["status"]),
        roles=tuple(Role(role) for role in row["roles"]),
        version=row["version"],
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
    )


@dataclass(frozen=True, slots=True)
class EmailVault:
    """E-mail addresses at rest: sealed to be read, hashed to be found."""

    sealer: Sealer
    index: BlindIndex

    def seal(self, email: str, user_id: UUID) -> bytes:
        return self.sealer.seal(email, _place(user_id))

    def unseal(self, account: Account) -> str:
        return self.sealer.unseal(account.email_sealed, _place(account.id))

    def hash(self, email: str) -> str:
        """Of an address that went through `domain.check_email`."""
        return self.index.hash(email)


def _place(user_id: UUID) -> str:
    return f"user_account.email:{user_id}"


async def insert_account(
    connection: SqlConnection,
    vault: EmailVault,
    *,
    user_id: UUID,
    name: str,
    email: str,
    password_hash: str | None,
    roles: Sequence[Role],
    now: datetime,
) -> bool:
    """False, and nothing written, if the e-mail address or the id is taken."""
    inserted = await fetch(
        connection,
        """INSERT INTO user_account
             (id, name, email_sealed, email_hash, password_hash, status, roles, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7::text[], $8, $8) ON CONFLICT DO NOTHING RETURNING id""",
        [
            user_id,
            name,
            vault.seal(email, user_id),
            vault.hash(email),
            password_hash,
            (UserStatus.ACTIVE if password_hash else UserStatus.INACTIVE).value,
            [role.value for role in roles],
            now,
        ],
    )
    return bool(inserted)

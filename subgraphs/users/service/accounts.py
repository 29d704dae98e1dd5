"""Rows of `user_account`: reading them, and the one place where what is personal in them is sealed and opened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from common.events.sql import SqlConnection
from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.data_keys import DataKeys
from common.subgraph.database import Database, Row, fetch
from common.subgraph.sealing import DATA_KEY_ID, BlindIndex, Sealer, key_id_of
from subgraphs.users.domain import ID_PREFIX, Role, UserStatus, check_email, scopes_of
from subgraphs.users.errors import InvalidUserInputError, UserNotFoundError

COLUMNS = """u.id, u.name, u.name_sealed, u.email_sealed, u.phone_sealed, u.new_email_sealed, u.email_hash,
    u.password_hash, u.password_number, u.status, u.locale, u.email_verified_at, u.roles, u.version, u.created_at,
    u.last_login_at, k.wrapped_key"""
FROM_ACCOUNTS = "user_account u LEFT JOIN data_key k ON k.subject = u.id"
ERASED_NAME = "Erased user"


@dataclass(frozen=True, slots=True)
class Account:
    """A user, opened. What is personal stays out of its representation, which may end in a log."""

    id: UUID
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str | None = field(repr=False)
    #: asked for, not confirmed yet
    new_email: str | None = field(repr=False)
    email_hash: str = field(repr=False)
    password_hash: str | None = field(repr=False)
    password_number: int
    status: UserStatus
    locale: str
    is_email_verified: bool
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

    @property
    def is_guest(self) -> bool:
        """Registered without a password, and not given one since."""
        return self.status is UserStatus.INACTIVE and self.password_hash is None


@dataclass(frozen=True, slots=True)
class Vault:
    """Personal data at rest: sealed to be read, the e-mail address hashed to be found."""

    keys: DataKeys
    index: BlindIndex
    #: opens what older versions sealed with the keys of the settings themselves
    older: Sealer

    def account_of(self, row: Row) -> Account:
        """Of `COLUMNS`. Raises UnsealError for a row that was tampered with."""
        user_id: UUID = row["id"]
        status = UserStatus(row["status"])
        if status is UserStatus.ERASED:
            name, email = ERASED_NAME, f"{format_id(ID_PREFIX, user_id)}@erased.invalid"
        else:
            name = row["name"] or self._opened(row, "name") or ERASED_NAME
            email = self._opened(row, "email") or ""
        return Account(
            id=user_id,
            name=name,
            email=email,
            phone=self._opened(row, "phone"),
            new_email=self._opened(row, "new_email"),
            email_hash=row["email_hash"],
            password_hash=row["password_hash"],
            password_number=row["password_number"],
            status=status,
            locale=row["locale"],
            is_email_verified=row["email_verified_at"] is not None,
            roles=tuple(Role(role) for role in row["roles"]),
            version=row["version"],
            created_at=row["created_at"],
            last_login_at=row["last_login_at"],
        )

    def open(self, sealed: bytes, place: str, *, wrapped_key: bytes | None, user_id: UUID) -> str:
        """Raises UnsealError."""
        if key_id_of(sealed) == DATA_KEY_ID and wrapped_key is not None:
            return self.keys.ring.open(wrapped_key, user_id).unseal(sealed, place)
        return self.older.unseal(sealed, place)

    def email_hash(self, text: str) -> str:
        """How the address is found. Raises InvalidUserInputError for what is none."""
        return self.index.hash(check_email(text))

    def email_hash_of_search(self, text: str | None) -> str | None:
        """None for what is no address."""
        try:
            return self.email_hash(text or "")
        except InvalidUserInputError:
            return None

    def _opened(self, row: Row, what: str) -> str | None:
        sealed = row[f"{what}_sealed"]
        if sealed is None:
            return None
        return self.open(sealed, account_place(what, row["id"]), wrapped_key=row["wrapped_key"], user_id=row["id"])


def account_place(what: str, user_id: UUID) -> str:
    """Where it is stored, for its seal."""
    return f"user_account.{what}:{user_id}"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Finds accounts."""

    database: Database
    vault: Vault

    async def get(self, user_id: UUID) -> Account:
        """Raises UserNotFoundError, also for an erased one."""
        rows = await self.database.fetch(f"SELECT {COLUMNS} FROM {FROM_ACCOUNTS} WHERE u.id = $1", [user_id])
        return self._existing(rows)

    async def get_locked(self, connection: SqlConnection, user_id: UUID) -> Account:
        """As `get`; nobody else changes it before the end of the transaction."""
        return self._existing(await self.rows(connection, user_id))

    async def rows(self, connection: SqlConnection, user_id: UUID) -> list[Row]:
        """The row, locked; none if there is none."""
        return await fetch(
            connection, f"SELECT {COLUMNS} FROM {FROM_ACCOUNTS} WHERE u.id = $1 FOR UPDATE OF u", [user_id]
        )

    async def by_email_hash(self, email_hash: str) -> Account | None:
        rows = await self.database.fetch(f"SELECT {COLUMNS} FROM {FROM_ACCOUNTS} WHERE u.email_hash = $1", [email_hash])
        return self.vault.account_of(rows[0]) if rows else None

    def _existing(self, rows: list[Row]) -> Account:
        account = self.vault.account_of(rows[0]) if rows else None
        if account is None or account.status is UserStatus.ERASED:
            raise UserNotFoundError("There is no such user.", "id")
        return account


async def insert_account(
    connection: SqlConnection,
    vault: Vault,
    *,
    user_id: UUID,
    name: str,
    email: str,
    password_hash: str | None,
    roles: Sequence[Role],
    now: datetime,
) -> bool:
    """The account and its data key, in one statement. False, and nothing written, if address or id are taken."""
    wrapped_key = vault.keys.ring.new_key(user_id)
    sealer = vault.keys.ring.open(wrapped_key, user_id)
    inserted = await fetch(
        connection,
        """WITH added AS (
             INSERT INTO user_account
               (id, name_sealed, email_sealed, email_hash, password_hash, status, roles, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7::text[], $8, $8) ON CONFLICT DO NOTHING RETURNING id)
           INSERT INTO data_key (subject, wrapped_key, key_id, created_at)
           SELECT id, $9, $10, $8 FROM added RETURNING subject""",
        [
            user_id,
            sealer.seal(name, account_place("name", user_id)),
            sealer.seal(email, account_place("email", user_id)),
            vault.index.hash(email),
            password_hash,
            (UserStatus.ACTIVE if password_hash else UserStatus.INACTIVE).value,
            [role.value for role in roles],
            now,
            wrapped_key,
            vault.keys.ring.current_id,
        ],
    )
    return bool(inserted)


def parse_user_id(text: str) -> UUID:
    """Raises UserNotFoundError."""
    try:
        return parse_id(ID_PREFIX, text)
    except InvalidIdError as exc:
        raise UserNotFoundError("There is no such user.", "id") from exc

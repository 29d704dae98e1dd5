"""What users say about themselves: name, telephone number, language, postal addresses."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from common.clock import Clock
from common.events.sql import SqlConnection
from common.ids import InvalidIdError, parse_id, uuid7
from common.subgraph.database import Database, fetch
from common.subgraph.sealing import Sealer
from subgraphs.users.domain import (
    ADDRESS_ID_PREFIX,
    MAX_ADDRESS_COUNT,
    check_label,
    check_locale,
    check_name,
    check_phone,
    check_postal_address,
)
from subgraphs.users.errors import InvalidUserInputError, UserNotFoundError
from subgraphs.users.service.accounts import Account, Accounts, account_place, parse_user_id


@dataclass(frozen=True, slots=True)
class Profile:
    """Every method gives the account as it is afterwards and raises UserNotFoundError, InvalidUserInputError."""

    database: Database
    accounts: Accounts
    clock: Clock

    async def update(
        self,
        user_id: str,
        *,
        name: str | None = None,
        phone: str | None = None,
        locale: str | None = None,
        expected_version: int | None = None,
    ) -> Account:
        """None leaves a value as it is; an empty `phone` removes it. A stale version is an InvalidUserInputError."""
        new_name = None if name is None else check_name(name)
        new_phone = None if phone is None else check_phone(phone)
        new_locale = None if locale is None else check_locale(locale)
        async with self.database.transaction() as connection:
            account = await self.accounts.get_locked(connection, parse_user_id(user_id))
            if expected_version not in (None, account.version):
                raise InvalidUserInputError("The user was changed meanwhile; read it again.", "expectedVersion")
            sealer = await self.accounts.vault.keys.sealer(connection, account.id)
            await fetch(
                connection,
                """UPDATE user_account SET name_sealed = $2, name = NULL, phone_sealed = $3, locale = $4,
                     version = version + 1, updated_at = $5 WHERE id = $1""",
                [
                    account.id,
                    sealer.seal(new_name or account.name, account_place("name", account.id)),
                    _sealed_phone(sealer, account, account.phone if phone is None else new_phone),
                    new_locale or account.locale,
                    self.clock.now(),
                ],
            )
            return await self.accounts.get_locked(connection, account.id)

    async def save_address(
        self,
        user_id: str,
        *,
        address_id: str | None,
        label: str | None,
        address: dict[str, str | None],
        is_default: bool = False,
    ) -> Account:
        """Adds an address, or replaces the user's own one with that id. The first one becomes the default."""
        label, checked = check_label(label), check_postal_address(address)
        row_id = uuid7() if address_id is None else _parse_address_id(address_id)
        async with self.database.transaction() as connection:
            account = await self.accounts.get_locked(connection, parse_user_id(user_id))
            sealer = await self.accounts.vault.keys.sealer(connection, account.id)
            sealed = sealer.seal(orjson.dumps(checked).decode(), address_place(row_id))
            if address_id is None:
                await self._add_address(connection, account.id, row_id, label, sealed)
            elif not await fetch(
                connection,
                """UPDATE customer_address SET label = $3, address_sealed = $4 WHERE id = $1 AND user_id = $2
                   RETURNING id""",
                [row_id, account.id, label, sealed],
            ):
                raise UserNotFoundError("There is no such address.", "id")
            if is_default:
                await _make_default(connection, account.id, row_id)
            return account

    async def delete_address(self, user_id: str, address_id: str) -> Account:
        """When it was the default, the oldest of the others becomes it."""
        row_id = _parse_address_id(address_id)
        async with self.database.transaction() as connection:
            account = await self.accounts.get_locked(connection, parse_user_id(user_id))
            deleted = await fetch(
                connection,
                "DELETE FROM customer_address WHERE id = $1 AND user_id = $2 RETURNING is_default",
                [row_id, account.id],
            )
            if not deleted:
                raise UserNotFoundError("There is no such address.", "id")
            if deleted[0]["is_default"]:
                await fetch(
                    connection,
                    """UPDATE customer_address SET is_default = true WHERE id =
                         (SELECT id FROM customer_address WHERE user_id = $1 ORDER BY created_at, id LIMIT 1)""",
                    [account.id],
                )
            return account

    async def set_default_address(self, user_id: str, address_id: str) -> Account:
        row_id = _parse_address_id(address_id)
        async with self.database.transaction() as connection:
            account = await self.accounts.get_locked(connection, parse_user_id(user_id))
            await _make_default(connection, account.id, row_id)
            return account

    async def _add_address(
        self, connection: SqlConnection, user_id: UUID, row_id: UUID, label: str | None, sealed: bytes
    ) -> None:
        """The account is locked: nobody adds another one meanwhile."""
        added = await fetch(
            connection,
            """INSERT INTO customer_address (id, user_id, label, is_default, address_sealed, created_at)
               SELECT $1, $2, $3, count(*) = 0, $4, $5 FROM customer_address WHERE user_id = $2
               HAVING count(*) < $6 RETURNING id""",
            [row_id, user_id, label, sealed, self.clock.now(), MAX_ADDRESS_COUNT],
        )
        if not added:
            raise InvalidUserInputError(f"An account keeps at most {MAX_ADDRESS_COUNT} addresses.", "address")


async def _make_default(connection: SqlConnection, user_id: UUID, row_id: UUID) -> None:
    """Two statements: an index allows one default at any moment."""
    await fetch(
        connection,
        "UPDATE customer_address SET is_default = false WHERE user_id = $1 AND is_default AND id <> $2",
        [user_id, row_id],
    )
    if not await fetch(
        connection,
        "UPDATE customer_address SET is_default = true WHERE id = $2 AND user_id = $1 RETURNING id",
        [user_id, row_id],
    ):
        raise UserNotFoundError("There is no such address.", "id")


def address_place(address_id: UUID) -> str:
    """Where an address is stored, for its seal."""
    return f"customer_address.address:{address_id}"


def _sealed_phone(sealer: Sealer, account: Account, phone: str | None) -> bytes | None:
    return sealer.seal(phone, account_place("phone", account.id)) if phone else None


def _parse_address_id(text: str) -> UUID:
    try:
        return parse_id(ADDRESS_ID_PREFIX, text)
    except InvalidIdError as exc:
        raise UserNotFoundError("There is no such address.", "id") from exc

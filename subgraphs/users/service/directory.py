"""What other subgraphs may ask about users, by command; each answer is one statement, or two with an address."""

from dataclasses import dataclass
from typing import Any

import orjson

from common.events import CommandError
from common.subgraph.database import Database
from subgraphs.users.errors import UserNotFoundError
from subgraphs.users.service.accounts import Account, Accounts, parse_user_id
from subgraphs.users.service.profile import address_place


@dataclass(frozen=True, slots=True)
class Directory:
    database: Database
    accounts: Accounts

    async def contact(self, payload: dict[str, Any]) -> dict[str, str | None]:
        """`commands.users.contact` {user_id} -> {email, name, phone, locale}, for those who write to users."""
        account = await self._account(payload)
        return {"email": account.email, "name": account.name, "phone": account.phone, "locale": account.locale}

    async def guest(self, payload: dict[str, Any]) -> dict[str, bool]:
        """`commands.users.guest` {user_id} -> {is_guest}: whether its id, which nobody can guess, is all that guards
        the account. False for an id of nobody.
        """
        try:
            return {"is_guest": (await self._account(payload)).is_guest}
        except CommandError:
            return {"is_guest": False}

    async def default_address(self, payload: dict[str, Any]) -> dict[str, Any]:
        """`commands.users.default_address` {user_id} -> {address}, null when there is none."""
        account = await self._account(payload)
        rows = await self.database.fetch(
            """SELECT a.id, a.address_sealed, k.wrapped_key FROM customer_address a
                 LEFT JOIN data_key k ON k.subject = a.user_id
               WHERE a.user_id = $1 AND a.is_default""",
            [account.id],
        )
        if not rows:
            return {"address": None}
        row = rows[0]
        opened = self.accounts.vault.open(
            row["address_sealed"], address_place(row["id"]), wrapped_key=row["wrapped_key"], user_id=account.id
        )
        return {"address": orjson.loads(opened)}

    async def _account(self, payload: dict[str, Any]) -> Account:
        try:
            return await self.accounts.get(parse_user_id(str(payload.get("user_id"))))
        except UserNotFoundError as exc:
            raise CommandError("NOT_FOUND", "There is no such user.") from exc

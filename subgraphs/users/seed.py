"""Demo accounts: the same ids, addresses and passwords on every machine. For demonstrations, never in production.

Running it again changes nothing.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from common.clock import SystemClock
from common.ids import format_id
from common.subgraph.app import migrated_database
from subgraphs.users.app import NAME, vault_of
from subgraphs.users.domain import ID_PREFIX, Role
from subgraphs.users.passwords import Passwords
from subgraphs.users.service.accounts import insert_account
from subgraphs.users.settings import UsersSettings


@dataclass(frozen=True, slots=True)
class DemoAccount:
    user_id: UUID
    name: str
    email: str
    password: str
    roles: tuple[Role, ...]

    @property
    def public_id(self) -> str:
        return format_id(ID_PREFIX, self.user_id)


def _demo(number: int, name: str, *roles: Role) -> DemoAccount:
    local_part = name.split()[0].lower()
    # a UUIDv7 of 2026-01-01T00:00:00Z: sorts before every account registered later
    user_id = UUID(int=(1767225600000 << 80) | (0x7 << 76) | (0b10 << 62) | number)
    return DemoAccount(user_id, name, f"{local_part}@punnet.example", f"{local_part}-demo-password", roles)


DEMO_ACCOUNTS = (
    _demo(1, "Admin Ada", Role.ADMIN),
    _demo(2, "Support Sam", Role.SUPPORT),
    _demo(3, "Catalog Cleo", Role.CATALOG_MANAGER),
    _demo(4, "Alice Berg", Role.CUSTOMER),
    _demo(5, "Bob Okafor", Role.CUSTOMER),
)


async def seed(
    settings: UsersSettings | None = None, *, database_name: str = "", passwords: Passwords | None = None
) -> None:
    """Creates and migrates the database if need be, and adds the demo accounts that are missing."""
    settings = settings or UsersSettings()  # type: ignore[call-arg]  # from the environment
    passwords, vault, clock = passwords or Passwords(), vault_of(settings), SystemClock()
    async with migrated_database(NAME, settings, database_name=database_name) as database:
        known = {row["id"] for row in await database.fetch("SELECT id FROM user_account")}
        missing = [account for account in DEMO_ACCOUNTS if account.user_id not in known]
        hashes = await asyncio.gather(*(passwords.hash(account.password) for account in missing))
        for account, password_hash in zip(missing, hashes, strict=True):
            async with database.transaction() as connection:
                await insert_account(
                    connection,
                    vault,
                    user_id=account.user_id,
                    name=account.name,
                    email=account.email,
                    password_hash=password_hash,
                    roles=account.roles,
                    now=clock.now(),
                )

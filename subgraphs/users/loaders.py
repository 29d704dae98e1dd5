"""Batched reads: whatever a query asks for in one step is one statement."""

from collections.abc import Sequence
from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.database import Database, Row
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from common.subgraph.loaders import load_many, load_one
from subgraphs.users.service import UserService
from subgraphs.users.service.accounts import COLUMNS, FROM_ACCOUNTS, Account

NEWEST_FIRST = Keyset("newest", (SortColumn("created_at", "timestamptz"), SortColumn("id", "uuid")), is_descending=True)


class UserLoaders:
    """Of one request."""

    def __init__(self, service: UserService) -> None:
        database = service.database

        async def accounts(ids: Sequence[UUID]) -> list[Account]:
            rows = await database.fetch(f"SELECT {COLUMNS} FROM {FROM_ACCOUNTS} WHERE u.id = any($1)", [list(ids)])
            return [service.vault.account_of(row) for row in rows]

        async def addresses(user_ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(
                """SELECT a.id, a.user_id, a.label, a.is_default, a.address_sealed, k.wrapped_key
                   FROM customer_address a LEFT JOIN data_key k ON k.subject = a.user_id
                   WHERE a.user_id = any($1) ORDER BY a.created_at, a.id""",
                [list(user_ids)],
            )

        self.account: DataLoader[UUID, Account | None] = load_one(accounts, lambda account: account.id)
        self.addresses: DataLoader[UUID, list[Row]] = load_many(addresses, lambda row: row["user_id"])


async def load_user_page(database: Database, request: PageRequest, *, email_hash: str | None) -> Page[Row]:
    """All users, or the one whose address has that hash."""
    clauses = request.clauses(first_placeholder=2, alias="u")
    rows = await database.fetch(
        f"""SELECT {COLUMNS} FROM {FROM_ACCOUNTS}
            WHERE ($1::text IS NULL OR u.email_hash = $1) AND {clauses.where}
            ORDER BY {clauses.order_by} LIMIT {clauses.limit}""",
        [email_hash, *clauses.parameters],
    )
    return cut_page(request, rows)

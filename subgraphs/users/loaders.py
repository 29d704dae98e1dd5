"""Batched reads: whatever a query asks for in one step is one statement."""

from collections.abc import Sequence
from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.database import Database, Row
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from common.subgraph.loaders import load_many, load_one
from subgraphs.users.service import UserService
from subgraphs.users.service.accounts import COLUMNS, Account, account_of

NEWEST_FIRST = Keyset("newest", (SortColumn("created_at", "timestamptz"), SortColumn("id", "uuid")), is_descending=True)


class UserLoaders:
    """Of one request."""

    def __init__(self, service: UserService) -> None:
        database = service.database

        async def accounts(ids: Sequence[UUID]) -> list[Account]:
            rows = await database.fetch(f"SELECT {COLUMNS} FROM user_account WHERE id = any($1)", [list(ids)])
            return [account_of(row) for row in rows]

        async def addresses(user_ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(
                """SELECT id, user_id, label, is_default, address_sealed FROM customer_address
                   WHERE user_id = any($1) ORDER BY created_at, id""",
                [list(user_ids)],
            )

        self.account: DataLoader[UUID, Account | None] = load_one(accounts, lambda account: account.id)
        self.addresses: DataLoader[UUID, list[Row]] = load_many(addresses, lambda row: row["user_id"])


async def load_user_page(
    database: Database, request: PageRequest, *, name_part: str | None, email_hash: str | None
) -> Page[Row]:
    """Users whose name contains `name_part` (any case) or whose address has that hash; all of them without either."""
    clauses = request.clauses(first_placeholder=3)
    rows = await database.fetch(
        f"""SELECT {COLUMNS} FROM user_account
            WHERE ($1::text IS NULL OR name ILIKE $1 OR email_hash = $2) AND {clauses.where}
            ORDER BY {clauses.order_by} LIMIT {clauses.limit}""",
        [_like(name_part), email_hash, *clauses.parameters],
    )
    return cut_page(request, rows)


def _like(part: str | None) -> str | None:
    if part is None:
        return None
    escaped = part.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"

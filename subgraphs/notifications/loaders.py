"""Batched reads of notifications."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.database import Database, Row
from common.subgraph.keyset import Keyset, Page, PageRequest, SortColumn, cut_page
from common.subgraph.loaders import Loader, load_many, load_one
from subgraphs.notifications.service import NotificationService

COLUMNS = """id, user_id, order_id, channel, template, category, data, title, body, status, attempts, read_at,
    created_at"""
NEWEST_FIRST = Keyset("newest", (SortColumn("created_at", "timestamptz"), SortColumn("id", "uuid")), is_descending=True)
#: what a user did not want to be told is kept for support only
SHOWN = "status <> 'SUPPRESSED'"
UNREAD = "channel = 'IN_APP' AND read_at IS NULL"
#: an order has a handful; a bound all the same
MAX_PER_ORDER = 50


@dataclass(frozen=True, slots=True)
class PageKey:
    user_id: UUID
    request: PageRequest
    is_unread_only: bool


class NotificationLoaders:
    """Of one request."""

    def __init__(self, service: NotificationService) -> None:
        database = service.database

        async def notifications(ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(f"SELECT {COLUMNS} FROM notification WHERE id = any($1)", [list(ids)])

        async def of_orders(order_ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(
                f"""SELECT n.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL
                      (SELECT {COLUMNS} FROM notification WHERE order_id = wanted.id
                       ORDER BY created_at, id LIMIT {MAX_PER_ORDER}) n""",
                [list(order_ids)],
            )

        async def preferences(user_ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(
                """SELECT user_id, channel, category, is_enabled FROM channel_preference
                   WHERE user_id = any($1) ORDER BY category""",
                [list(user_ids)],
            )

        async def device_counts(user_ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(
                """SELECT user_id, count(*)::int AS device_count FROM push_device
                   WHERE user_id = any($1) GROUP BY user_id""",
                [list(user_ids)],
            )

        async def unread_counts(user_ids: Sequence[UUID]) -> list[Row]:
            return await database.fetch(
                f"""SELECT user_id, count(*)::int AS unread_count FROM notification
                   WHERE user_id = any($1) AND {SHOWN} AND {UNREAD} GROUP BY user_id""",
                [list(user_ids)],
            )

        async def pages(keys: list[PageKey]) -> list[Page[Row]]:
            return await load_pages(database, keys)

        self.notification: DataLoader[UUID, Row | None] = load_one(notifications, lambda row: row["id"])
        self.of_order: DataLoader[UUID, list[Row]] = load_many(of_orders, lambda row: row["order_id"])
        self.preferences: DataLoader[UUID, list[Row]] = load_many(preferences, lambda row: row["user_id"])
        self.device_count: DataLoader[UUID, Row | None] = load_one(device_counts, lambda row: row["user_id"])
        self.unread_count: DataLoader[UUID, Row | None] = load_one(unread_counts, lambda row: row["user_id"])
        self.page: DataLoader[PageKey, Page[Row]] = Loader(load_fn=pages)


async def load_pages(database: Database, keys: Sequence[PageKey]) -> list[Page[Row]]:
    """A page for each key, in their order; one statement for all users with equal arguments."""
    users_by_arguments: defaultdict[tuple[PageRequest, bool], list[UUID]] = defaultdict(list)
    for key in keys:
        users_by_arguments[key.request, key.is_unread_only].append(key.user_id)
    rows_by_key: defaultdict[PageKey, list[Row]] = defaultdict(list)
    for (request, is_unread_only), user_ids in users_by_arguments.items():
        clauses = request.clauses(first_placeholder=2)
        shown = f"{SHOWN} AND {UNREAD}" if is_unread_only else SHOWN
        rows = await database.fetch(
            f"""SELECT n.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL
                  (SELECT {COLUMNS} FROM notification WHERE user_id = wanted.id AND {shown} AND {clauses.where}
                   ORDER BY {clauses.order_by} LIMIT {clauses.limit}) n
                ORDER BY n.user_id, {clauses.order_by}""",
            [user_ids, *clauses.parameters],
        )
        for row in rows:
            rows_by_key[PageKey(row["user_id"], request, is_unread_only)].append(row)
    return [cut_page(key.request, rows_by_key[key]) for key in keys]

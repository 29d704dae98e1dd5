"""The categories, read through a cache: they change with a deployment, and every page of products shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.resilience import Cache
from common.subgraph.caches import Caches
from common.subgraph.database import Database, Row
from subgraphs.products.domain import Category

#: so long a new category may be missing from the list
FRESH_S = 30.0
#: so long the last list is shown while the database is away
STALE_S = 600.0

_SELECT = "SELECT id, name, slug, parent_id FROM category"
KEY = "all"


@dataclass(frozen=True, slots=True)
class Categories:
    database: Database
    cache: Cache[list[Category]]

    @classmethod
    def open(cls, database: Database, caches: Caches) -> "Categories":
        cache = caches.open("categories", list[Category], max_count=1, ttl_s=FRESH_S, stale_s=STALE_S)
        return cls(database, cache)

    async def all(self) -> list[Category]:
        """Parents before their children. Not to be changed."""
        return await self.cache.get_or_load(KEY, self._load)

    async def by_id(self, ids: Sequence[UUID]) -> list[Category]:
        """Those there are, in no order; what is newer than the cache is looked up."""
        wanted = set(ids)
        found = [category for category in await self.all() if category.id in wanted]
        missing = wanted.difference(category.id for category in found)
        if missing:
            rows = await self.database.fetch(f"{_SELECT} WHERE id = ANY($1)", [list(missing)])
            found += [_category(row) for row in rows]
        return found

    async def _load(self) -> list[Category]:
        rows = await self.database.fetch(f"{_SELECT} ORDER BY parent_id IS NOT NULL, position, name")
        return [_category(row) for row in rows]


def _category(row: Row) -> Category:
    return Category(id=row["id"], name=row["name"], slug=row["slug"], parent_id=row["parent_id"])

"""The categories, read through a cache: they change seldom, and every page of products shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.resilience import Cache
from common.subgraph.caches import Caches
from common.subgraph.database import Database, Row
from subgraphs.products.domain.catalogue import Category

#: so long a new category may be missing from the list
FRESH_S = 30.0
#: so long the last list is shown while the database is away
STALE_S = 600.0

COLUMNS = "id, name, slug, parent_id, position, version"
_SELECT = f"SELECT {COLUMNS} FROM category"
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
            found += [category_of(row) for row in rows]
        return found

    async def children(self, parent_id: UUID) -> list[Category]:
        """Directly below it, in their order."""
        return [category for category in await self.all() if category.parent_id == parent_id]

    async def within(self, ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """For each of the categories itself and all those below it: what is in those is in it."""
        children: dict[UUID | None, list[UUID]] = {}
        for category in await self.all():
            children.setdefault(category.parent_id, []).append(category.id)
        return {top: _below(top, children) for top in ids}

    async def forget(self) -> None:
        """After a change: who asks next reads anew. Other processes, without Redis, do so within 30 seconds."""
        await self.cache.delete(KEY)

    async def _load(self) -> list[Category]:
        """Level by level, each in the order of its parents."""
        children: dict[UUID | None, list[Category]] = {}
        for row in await self.database.fetch(f"{_SELECT} ORDER BY position, name, id"):
            children.setdefault(row["parent_id"], []).append(category_of(row))
        level, found = children.get(None, []), list[Category]()
        while level:
            found += level
            level = [child for category in level for child in children.get(category.id, ())]
        return found


def _below(top: UUID, children: Mapping[UUID | None, Sequence[UUID]]) -> list[UUID]:
    """A tree that was read while it was moved could have a cycle: each is taken once."""
    found = {top: None}
    waiting = [top]
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found |= dict.fromkeys(fresh)
        waiting += fresh
    return list(found)


def category_of(row: Row) -> Category:
    return Category(
        id=row["id"],
        name=row["name"],
        slug=row["slug"],
        parent_id=row["parent_id"],
        position=row["position"],
        version=row["version"],
    )

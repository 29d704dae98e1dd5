"""Changing the tree of categories, by staff: each call is one transaction. The database keeps it free of cycles."""

from dataclasses import dataclass
from uuid import UUID

from tortoise.exceptions import IntegrityError

from common.events.sql import SqlConnection
from common.ids import uuid7
from common.subgraph.database import Database, Row, fetch
from subgraphs.products.domain.catalogue import Category
from subgraphs.products.domain.fields import check_name, slugify
from subgraphs.products.errors import CategoryInUse, InvalidInput, NotFound, StaleVersion
from subgraphs.products.service.categories import COLUMNS, Categories, category_of

POSITION_MAX = 1_000_000

_INSERT = f"""
INSERT INTO category (id, slug, name, position, parent_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING {COLUMNS}
"""
_UPDATE = f"UPDATE category SET name = $2, position = $3, version = version + 1 WHERE id = $1 RETURNING {COLUMNS}"
_MOVE = f"UPDATE category SET parent_id = $2, version = version + 1 WHERE id = $1 RETURNING {COLUMNS}"
# Moves take turns after they have locked their category, and look at its new parent when it is theirs: a lock that
# forbade looking would have two of them wait for each other. Whoever deletes wants nobody to point at it.
_LOCK = f"SELECT {COLUMNS} FROM category WHERE id = $1 FOR NO KEY UPDATE"
_LOCK_ALONE = f"SELECT {COLUMNS} FROM category WHERE id = $1 FOR UPDATE"
_CONTENTS = """
SELECT (SELECT count(*) FROM product WHERE category_id = $1) AS product_count,
       (SELECT count(*) FROM category WHERE parent_id = $1) AS child_count
"""


@dataclass(frozen=True, slots=True)
class CategoryChanges:
    """What to change; None leaves it as it is."""

    name: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    database: Database
    categories: Categories

    async def create(self, name: str, parent_id: UUID | None, position: int) -> Category:
        """Its slug follows from its name, and stays. Raises InvalidInput, NotFound (parent)."""
        category_id, name = uuid7(), check_name(name)
        _check_position(position)
        slug = slugify(name)
        for candidate in (slug, f"{slug[:69]}-{str(category_id)[-10:]}"):
            try:
                rows = await self.database.fetch(_INSERT, [category_id, candidate, name, position, parent_id])
            except IntegrityError as exc:
                raise NotFound("There is no such category.", ["parentId"]) from exc
            if rows:
                await self.categories.forget()
                return category_of(rows[0])
        raise InvalidInput("Categories of this name are being created too fast.", ["name"])

    async def update(self, category_id: UUID, changes: CategoryChanges, expected_version: int | None) -> Category:
        """Raises NotFound, InvalidInput, StaleVersion."""
        if changes.position is not None:
            _check_position(changes.position)
        async with self.database.transaction() as connection:
            row = await _locked(connection, category_id, expected_version)
            name = row["name"] if changes.name is None else check_name(changes.name)
            position = row["position"] if changes.position is None else changes.position
            (row,) = await fetch(connection, _UPDATE, [category_id, name, position])
        await self.categories.forget()
        return category_of(row)

    async def move(self, category_id: UUID, parent_id: UUID | None, expected_version: int | None) -> Category:
        """With all that is below it; None makes it one of the first level. Raises NotFound, InvalidInput (below
        itself), StaleVersion."""
        try:
            async with self.database.transaction() as connection:
                await _locked(connection, category_id, expected_version)
                (row,) = await fetch(connection, _MOVE, [category_id, parent_id])
        except IntegrityError as exc:
            if "category_no_cycle" in str(exc) or "below itself" in str(exc):
                raise InvalidInput("A category cannot stand below itself.", ["parentId"]) from exc
            raise NotFound("There is no such category.", ["parentId"]) from exc
        await self.categories.forget()
        return category_of(row)

    async def delete(self, category_id: UUID, expected_version: int | None) -> None:
        """Raises NotFound, StaleVersion, CategoryInUse: what is in it goes elsewhere first."""
        async with self.database.transaction() as connection:
            # nothing can be put in while it is locked: a foreign key locks what it points at
            await _locked(connection, category_id, expected_version, _LOCK_ALONE)
            await _check_empty(connection, category_id)
            await fetch(connection, "DELETE FROM category WHERE id = $1", [category_id])
        await self.categories.forget()


async def _locked(connection: SqlConnection, category_id: UUID, expected_version: int | None, lock: str = _LOCK) -> Row:
    rows = await fetch(connection, lock, [category_id])
    if not rows:
        raise NotFound("There is no such category.", ["id"])
    if expected_version is not None and rows[0]["version"] != expected_version:
        raise StaleVersion("The category has changed meanwhile.", ["expectedVersion"], rows[0]["version"])
    return rows[0]


async def _check_empty(connection: SqlConnection, category_id: UUID) -> None:
    (inside,) = await fetch(connection, _CONTENTS, [category_id])
    if inside["product_count"] or inside["child_count"]:
        raise CategoryInUse(
            "There are products or categories in it.", ["id"], inside["product_count"], inside["child_count"]
        )


def _check_position(position: int) -> None:
    if not 0 <= position <= POSITION_MAX:
        raise InvalidInput(f"A position is between 0 and {POSITION_MAX}.", ["position"])

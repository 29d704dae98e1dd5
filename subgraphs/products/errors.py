"""What can go wrong in the catalogue, as values a caller can act on.

    CatalogueError
    ├── InvalidInput          a field breaks a rule
    ├── NotFound              no such product or category, or not for this caller
    ├── DuplicateSku          the SKU names another product
    ├── StaleVersion          somebody changed the product or category first
    └── CategoryInUse         it still has products or categories in it

Refusals of a reservation are not exceptions: they are the reply of the command (`domain.ReservationRefusal`).
"""

from collections.abc import Sequence

from common.subgraph.refusals import Refusal


class CatalogueError(Refusal):
    """Base of the expected errors."""


class InvalidInput(CatalogueError):  # noqa: N818 - named like the GraphQL error it becomes
    """An input field breaks a rule; nothing was changed."""


class NotFound(CatalogueError):  # noqa: N818 - named like the GraphQL error it becomes
    """The product or category does not exist, or is hidden from the caller."""


class DuplicateSku(CatalogueError):  # noqa: N818 - named like the GraphQL error it becomes
    """The SKU already names the product `existing_id` (a TypeID)."""

    def __init__(self, message: str, path: Sequence[str], existing_id: str) -> None:
        super().__init__(message, path, existing_id)
        self.existing_id = existing_id


class StaleVersion(CatalogueError):  # noqa: N818 - named like the GraphQL error it becomes
    """The caller read an older version than `current_version`; it should read again and decide again."""

    def __init__(self, message: str, path: Sequence[str], current_version: int) -> None:
        super().__init__(message, path, current_version)
        self.current_version = current_version


class CategoryInUse(CatalogueError):  # noqa: N818 - named like the GraphQL error it becomes
    """The category cannot go while there are products or categories in it."""

    def __init__(self, message: str, path: Sequence[str], product_count: int, child_count: int) -> None:
        super().__init__(message, path, product_count, child_count)
        self.product_count = product_count
        self.child_count = child_count

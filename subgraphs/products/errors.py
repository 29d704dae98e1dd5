"""What can go wrong in the catalogue, as values a caller can act on.

    CatalogueError
    ├── InvalidInput          a field breaks a rule
    ├── NotFound              no such product or category, or not for this caller
    ├── DuplicateSku          the SKU names another product
    └── StaleVersion          somebody changed the product first

Refusals of a reservation are not exceptions: they are the reply of the command (`domain.ReservationRefusal`).
"""

from collections.abc import Mapping, Sequence
from typing import Any


class CatalogueError(Exception):
    """Base of the expected errors: `message` is safe to show, `path` names the input field.

    All arguments are JSON, so that an error can be stored as the answer to an idempotency key and raised again.
    """

    def __init__(self, message: str, path: Sequence[str] = (), *details: Any) -> None:
        super().__init__(message, list(path), *details)
        self.message = message
        self.path = tuple(path)

    def __str__(self) -> str:
        return self.message


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


_KINDS: Mapping[str, type[CatalogueError]] = {
    kind.__name__: kind for kind in (InvalidInput, NotFound, DuplicateSku, StaleVersion)
}


def to_answer(error: CatalogueError) -> dict[str, Any]:
    """The error as JSON, for the table of idempotency keys."""
    return {"refused": type(error).__name__, "arguments": list(error.args)}


def raise_if_refused(answer: Mapping[str, Any]) -> None:
    """Raises the error again that `to_answer` wrote; any other answer passes."""
    if "refused" in answer:
        raise _KINDS[answer["refused"]](*answer["arguments"])

"""What can go wrong with a cart or an order, as values a caller can act on.

OrderError
├── InvalidInput          a field breaks a rule
├── NotFound              no such order, or not this caller's
├── InsufficientStock     some lines want more than is there
├── StaleVersion          the cart was changed since the caller saw it
├── PriceChanged          the catalogue asks another price than the buyer was shown
├── NotSoldInCurrency     the catalogue has no price in the currency of the order
└── IllegalTransition     the order cannot move from its status to the wanted one

ReservationUnavailable    products did not answer in time: the outcome is unknown, never assume either
"""

from collections.abc import Sequence

from common.subgraph.refusals import Refusal


class OrderError(Refusal):
    """Base of the expected errors."""


class InvalidInput(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """An input field breaks a rule; nothing was changed."""


class NotFound(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """The order does not exist or belongs to somebody else; a caller cannot tell which."""


class InsufficientStock(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """Nothing was reserved. `shortages`: product (a TypeID), units requested, units available."""

    def __init__(self, message: str, path: Sequence[str], shortages: Sequence[tuple[str, int, int]]) -> None:
        super().__init__(message, path, [list(shortage) for shortage in shortages])
        self.shortages = tuple((product_id, requested, available) for product_id, requested, available in shortages)


class StaleVersion(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """Nothing was changed: the cart has version `current` by now."""

    def __init__(self, message: str, path: Sequence[str], current: int) -> None:
        super().__init__(message, path, current)
        self.current = current


class PriceChanged(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """The buyer saw `was_minor`, the catalogue says `now_minor`; the product is a TypeID."""

    def __init__(
        self, message: str, path: Sequence[str], product_id: str, was_minor: int, now_minor: int, currency: str
    ) -> None:
        super().__init__(message, path, product_id, was_minor, now_minor, currency)
        self.product_id = product_id
        self.was_minor = was_minor
        self.now_minor = now_minor
        self.currency = currency


class NotSoldInCurrency(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """Nothing was reserved: the price lists of these products (TypeIDs) have nothing in the currency of the order."""

    def __init__(self, message: str, path: Sequence[str], product_ids: Sequence[str]) -> None:
        super().__init__(message, path, list(product_ids))
        self.product_ids = tuple(product_ids)


class IllegalTransition(OrderError):  # noqa: N818 - named like the GraphQL error it becomes
    """The order is in `status`, from which this caller can only reach `allowed`."""

    def __init__(self, message: str, path: Sequence[str], status: str, allowed: Sequence[str]) -> None:
        super().__init__(message, path, status, list(allowed))
        self.status = status
        self.allowed = tuple(allowed)


class ReservationUnavailable(Exception):  # noqa: N818 - named like the GraphQL error it becomes
    """Products did not answer in time or at all; ask again with the same order id."""

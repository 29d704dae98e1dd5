"""GraphQL types which several subgraphs share, defined once so that composition finds them equal everywhere.

Each of them is `@shareable`: every subgraph that returns one resolves all of its fields.
"""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Self

import strawberry

from common.money import decimal_of


@strawberry.federation.type(shareable=True, description="An exact amount: `amount` has the digits of its currency")
class Money:
    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> Self:
        """From minor units (cents), the form amounts are stored in."""
        return cls(amount=decimal_of(amount_minor, currency), currency=currency)


@strawberry.input
class MoneyInput:
    amount: Decimal
    currency: str


@strawberry.federation.type(shareable=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.federation.type(shareable=True)
class PostalAddress:
    name: str | None
    street: str
    city: str
    state: str | None
    zip: str
    country: str
    phone: str | None

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """From the JSON form that `PostalAddressInput.to_dict` writes."""
        values: dict[str, Any] = {field.name: stored.get(field.name) for field in fields(cls)}
        return cls(**values)


@strawberry.input
class PostalAddressInput:
    street: str
    city: str
    zip: str
    country: str
    name: str | None = None
    state: str | None = None
    phone: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@strawberry.interface(description="An expected refusal. A mutation that answers with one has changed nothing")
class UserError:
    message: str
    path: list[str] | None = None


@strawberry.federation.type(shareable=True)
class InvalidInputError(UserError):
    pass


@strawberry.federation.type(shareable=True)
class NotFoundError(UserError):
    pass


@strawberry.federation.type(shareable=True)
class IdempotencyConflictError(UserError):
    pass


@strawberry.federation.type(shareable=True)
class StaleVersionError(UserError):
    """Nothing was changed: the caller has seen another version than the one there is."""

    current_version: int

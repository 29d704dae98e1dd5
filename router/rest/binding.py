"""Where the value of an operation's variable comes from: a part of the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from graphql import GraphQLInputType

from router.rest.values import Reader

Place: TypeAlias = Literal["path", "query", "header", "body", "exchange"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One variable and where its value comes from."""

    variable: str
    place: Place
    name: str  #: there; of an exchange, the field of the body
    type: GraphQLInputType
    is_required: bool
    read: Reader
    renamed: Mapping[str, str]  #: keys inside, by the schema's names
    default: Any = None  #: as JSON, for the description only
    generates: bool = False
    exchange: str | None = None

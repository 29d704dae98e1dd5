"""GraphQL types -> annotations for msgspec: exactly the values `leaves.py` lets pass unchanged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from graphql import GraphQLEnumType, GraphQLNamedType, GraphQLOutputType, is_list_type, is_non_null_type
from msgspec import Meta

from router.execution.leaves import MAX_INT, MIN_INT

_BUILT_IN: dict[str, Any] = {
    "String": str,
    "ID": str,  # an integer becomes text only in the interpreter
    "Int": Annotated[int, Meta(ge=MIN_INT, le=MAX_INT)],
    "Float": int | float,  # 1 stays 1
    "Boolean": bool,
}
#: of custom scalars: any JSON but null
_ANY_VALUE: Any = bool | int | float | str | list[Any] | dict[str, Any]


def leaf_annotation(named: GraphQLNamedType) -> Any:
    if isinstance(named, GraphQLEnumType):
        return Literal[tuple(named.values)]
    return _BUILT_IN.get(named.name, _ANY_VALUE)


def wrapped(kind: GraphQLOutputType, inner: Any) -> Any:
    """`inner` in the lists and nulls of the type."""
    if is_non_null_type(kind):
        kind = kind.of_type
        return list[wrapped(kind.of_type, inner)] if is_list_type(kind) else inner  # type: ignore[misc]  # made at run time
    return (list[wrapped(kind.of_type, inner)] if is_list_type(kind) else inner) | None  # type: ignore[misc]  # the same

"""Values of scalars and enums, as subgraphs send them -> as clients get them.

The subgraph has serialised them already; what is left is to check that they are what the type promises. Custom
scalars may be any JSON.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLEnumType, GraphQLNamedType

MIN_INT = -(2**31)
MAX_INT = 2**31 - 1


class NotALeafError(ValueError):
    """The text says what is wrong with the value, without showing it."""


def complete_leaf(named: GraphQLNamedType, value: Any) -> Any:
    """`value` is not None. Raises `NotALeafError`."""
    match named.name:
        case "String":
            is_right = isinstance(value, str)
        case "ID":
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            is_right = isinstance(value, str)
        case "Int":
            if isinstance(value, float) and value.is_integer():
                value = int(value)
            if isinstance(value, int) and not isinstance(value, bool) and not MIN_INT <= value <= MAX_INT:
                raise NotALeafError("does not fit into 32 bits")
            is_right = isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            is_right = isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean":
            is_right = isinstance(value, bool)
        case _:
            is_right = not isinstance(named, GraphQLEnumType) or (isinstance(value, str) and value in named.values)
    if not is_right:
        raise NotALeafError(f"is not of type {named.name}")
    return value


def complete_id(value: Any) -> str:
    """An ID that is not text. Raises `NotALeafError`."""
    if value.__class__ is int:
        return str(value)
    raise NotALeafError("is not of type ID")

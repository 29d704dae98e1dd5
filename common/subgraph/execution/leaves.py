"""Leaf types -> functions that write a value as JSON. The common case is told by the value's own type."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.execution.executor import Executor

from common.subgraph.execution.run import Path, Run

#: (value, run, its path) -> JSON value, or a coroutine of one. Raises what graphql-core raises
Completer: TypeAlias = Callable[[Any, Run, Path], Any]

_INT_MAX = 2**31 - 1
_INT_MIN = -(2**31)


def leaf_completer(leaf: GraphQLLeafType, null: Callable[[], None]) -> Completer:
    """`null` answers for None: it returns or raises."""

    def coerce(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return null()
        return Executor.complete_leaf_value(leaf, value)

    match leaf:
        case _ if leaf is GraphQLString or leaf is GraphQLID:
            return lambda value, _run, _path: value if type(value) is str else coerce(value)
        case _ if leaf is GraphQLInt:
            return lambda value, _run, _path: (
                value if type(value) is int and _INT_MIN <= value <= _INT_MAX else coerce(value)
            )
        case _ if leaf is GraphQLBoolean:
            return lambda value, _run, _path: value if value is True or value is False else coerce(value)
        case _ if leaf is GraphQLFloat:
            return lambda value, _run, _path: value if type(value) is float and math.isfinite(value) else coerce(value)
        case GraphQLEnumType():
            return _enum_completer(leaf, coerce)
        case _:
            return _custom_completer(leaf, coerce)


def _custom_completer(leaf: GraphQLLeafType, coerce: Callable[[Any], Any]) -> Completer:
    serialize = leaf.coerce_output_value

    def complete(value: Any, _run: Run, _path: Path) -> Any:
        if value is None or isinstance(value, Exception):
            return coerce(value)
        written = serialize(value)
        # what cannot be is found out, and told, the long way
        return coerce(value) if written is None or written is Undefined else written

    return complete


def _enum_completer(leaf: GraphQLEnumType, coerce: Callable[[Any], Any]) -> Completer:
    """Strawberry looks for a member's name one by one; members are known beforehand."""
    members = getattr(leaf, "wrapped_cls", ())
    names = {id(member): coerce(member) for member in members}
    # the dictionary goes by identity: a member may equal a string, and strings are looked up by name
    return lambda value, _run, _path: names.get(id(value)) or coerce(value)

"""Constant GraphQL values as Python values.

Enum values become EnumText, a string that prints without quotes and equals the same text in quotes: which of the two
was meant is only known from the type, and federation has always compared them so.
"""

from __future__ import annotations

import json
from typing import Final, TypeAlias

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"


class EnumText(str):
    __slots__ = ()


class Absent:
    """The type of ABSENT: no value at all, which is not null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


def value_of(node: ValueNode) -> Value:
    match node:
        case StringValueNode():
            return node.value
        case EnumValueNode():
            return EnumText(node.value)
        case IntValueNode():
            return _integer(node.value)
        case BooleanValueNode():
            return node.value
        case NullValueNode():
            return None
        case ListValueNode():
            return [value_of(item) for item in node.values]
        case ObjectValueNode():
            return {entry.name.value: value_of(entry.value) for entry in node.fields}
        case FloatValueNode():
            number = float(node.value)
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
    raise TypeError(f"{node.kind} is not a constant value")


def _integer(text: str) -> int | float:
    # numbers beyond 300 digits are of no use as schema constants; floats keep them printable
    return int(text) if len(text) <= 300 else float("inf")


def print_value(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, EnumText):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(print_value(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {print_value(item)}" for name, item in value.items()) + "}"
    return repr(value)


def same_value(one: Value | Absent, other: Value | Absent) -> bool:
    """Deep equality; `true` is not `1`."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(item, other[name]) for name, item in one.items())
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other

"""Arguments as text, and the variables in them.

Printing values by hand is several times faster than graphql-core's printer, and argument lists come up again and
again in one plan: once for each subgraph, once for each type of an interface.
"""

from __future__ import annotations

import json

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from router.operation.model import Argument, Field


class ArgumentPrinter:
    """Remembers what it printed, for the length of one plan."""

    def __init__(self) -> None:
        self._printed: dict[int, tuple[tuple[Argument, ...], str]] = {}

    def print(self, field: Field) -> str:
        """`(first: 10)`, or nothing."""
        if not field.arguments:
            return ""
        known = self._printed.get(id(field.arguments))
        if known is None:
            inner = ", ".join(f"{a.name}: {print_value(a.value)}" for a in field.arguments)
            known = self._printed[id(field.arguments)] = (field.arguments, f"({inner})")
        return known[1]


def print_value(node: ValueNode) -> str:
    match node:
        case VariableNode():
            return "$" + node.name.value
        case IntValueNode() | FloatValueNode() | EnumValueNode():
            return node.value
        case StringValueNode():
            return json.dumps(node.value)
        case BooleanValueNode():
            return "true" if node.value else "false"
        case ListValueNode():
            return "[" + ", ".join(print_value(v) for v in node.values or ()) + "]"
        case ObjectValueNode():
            return "{" + ", ".join(f"{f.name.value}: {print_value(f.value)}" for f in node.fields or ()) + "}"
        case _:
            return "null"


def find_variables(node: ValueNode, found: dict[str, None]) -> None:
    """Adds the names of the variables in a value to `found`, in order."""
    match node:
        case VariableNode():
            found[node.name.value] = None
        case ListValueNode():
            for value in node.values or ():
                find_variables(value, found)
        case ObjectValueNode():
            for field in node.fields or ():
                find_variables(field.value, found)
        case _:
            pass

"""Arguments, directives and variable definitions as text, and the variables in them.

Printing by hand is several times faster than graphql-core's printer, and argument lists come up again and again in one
plan: once for each subgraph, once for each type of an interface.
"""

from __future__ import annotations

import json

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectValueNode,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
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


def print_definition(node: VariableDefinitionNode) -> str:
    """`$first: Int! = 10`."""
    default = f" = {print_value(node.default_value)}" if node.default_value else ""
    directives = "".join(map(print_directive, node.directives or ()))
    return f"${node.variable.name.value}: {_print_type(node.type)}{default}{directives}"


def _print_type(node: TypeNode) -> str:
    match node:
        case NonNullTypeNode():
            return _print_type(node.type) + "!"
        case ListTypeNode():
            return f"[{_print_type(node.type)}]"
        case NamedTypeNode():
            return node.name.value
        case _:
            raise TypeError(f"{node.kind} is no type")


def print_directive(node: DirectiveNode) -> str:
    """` @tag(name: "x")`, with the space before it."""
    inner = ", ".join(f"{a.name.value}: {print_value(a.value)}" for a in node.arguments or ())
    return f" @{node.name.value}({inner})" if inner else f" @{node.name.value}"


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

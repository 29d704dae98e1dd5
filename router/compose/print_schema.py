"""Schemas as SDL text: sorted, so that equal supergraphs have equal text."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import StringValueNode, print_ast

from router.compose.schema import (
    ROOT_NAMES,
    Application,
    DirectiveDefinition,
    EnumValue,
    Field,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
)
from router.compose.values import Absent, print_value

_KEYWORDS = {
    Kind.SCALAR: "scalar",
    Kind.OBJECT: "type",
    Kind.INTERFACE: "interface",
    Kind.UNION: "union",
    Kind.ENUM: "enum",
    Kind.INPUT_OBJECT: "input",
}


def print_schema(schema: Schema) -> str:
    """Definitions are sorted by name; fields keep their order of first appearance."""
    blocks = [_schema_block(schema)] if _needs_schema_block(schema) else []
    blocks += [_directive(schema.directives[name]) for name in sorted(schema.directives)]
    blocks += [_type(schema.types[name]) for name in sorted(schema.types)]
    return "\n\n".join(blocks) + "\n"


def _needs_schema_block(schema: Schema) -> bool:
    element = schema.element
    return bool(element.applications or element.description) or any(
        schema.roots.get(kind, name) != name for kind, name in ROOT_NAMES.items()
    )


def _schema_block(schema: Schema) -> str:
    uses = "".join(f"\n  {print_application(use)}" for use in schema.element.applications)
    roots = "".join(f"\n  {kind}: {schema.roots[kind]}" for kind in ROOT_NAMES if kind in schema.roots)
    gap = "\n" if uses else " "
    return f"{_description(schema.element.description)}schema{uses}{gap}{{{roots}\n}}"


def _directive(definition: DirectiveDefinition) -> str:
    repeatable = " repeatable" if definition.repeatable else ""
    return (
        f"{_description(definition.description)}directive @{definition.name}{_arguments(definition.arguments.values())}"
        f"{repeatable} on {' | '.join(definition.locations)}"
    )


def _type(type_: TypeDefinition) -> str:
    head = f"{_description(type_.description)}{_KEYWORDS[type_.kind]} {type_.name}"
    if type_.interfaces:
        head += f" implements {' & '.join(type_.interfaces)}"
    uses = "".join(f"\n  {print_application(use)}" for use in type_.applications)
    lines: list[str] = []
    match type_.kind:
        case Kind.SCALAR:
            return head + uses
        case Kind.UNION:
            gap = "\n  =" if uses else " ="
            return f"{head}{uses}{gap} {' | '.join(type_.members)}"
        case Kind.ENUM:
            lines = [_enum_value(value) for value in type_.values.values()]
        case Kind.INPUT_OBJECT:
            lines = [_input(value, "  ") for value in type_.inputs.values()]
        case Kind.OBJECT | Kind.INTERFACE:
            lines = [_field(field) for field in type_.fields.values()]
    body = "\n".join(lines)
    gap = "\n" if uses else " "
    return f"{head}{uses}{gap}{{\n{body}\n}}"


def _field(field: Field) -> str:
    arguments = _arguments(field.arguments.values(), "  ")
    return f"{_description(field.description, '  ')}  {field.name}{arguments}: {field.type}{_uses(field.applications)}"


def _enum_value(value: EnumValue) -> str:
    return f"{_description(value.description, '  ')}  {value.name}{_uses(value.applications)}"


def _input(value: InputValue, indent: str) -> str:
    default = "" if isinstance(value.default, Absent) else f" = {print_value(value.default)}"
    text = f"{value.name}: {value.type}{default}{_uses(value.applications)}"
    return f"{_description(value.description, indent)}{indent}{text}"


def _arguments(arguments: Iterable[InputValue], indent: str = "") -> str:
    values = list(arguments)
    if not values:
        return ""
    if any(value.description is not None for value in values):
        lines = "\n".join(_input(value, f"{indent}  ") for value in values)
        return f"(\n{lines}\n{indent})"
    return f"({', '.join(_input(value, '') for value in values)})"


def _uses(applications: Iterable[Application]) -> str:
    return "".join(f" {print_application(use)}" for use in applications)


def print_application(use: Application) -> str:
    if not use.arguments:
        return f"@{use.name}"
    arguments = ", ".join(f"{name}: {print_value(value)}" for name, value in use.arguments.items())
    return f"@{use.name}({arguments})"


def _description(text: str | None, indent: str = "") -> str:
    if text is None:
        return ""
    printed = print_ast(StringValueNode(value=text, block=True))
    return "".join(f"{indent}{line}\n" if line else "\n" for line in printed.split("\n"))

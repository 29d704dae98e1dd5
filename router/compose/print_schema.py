"""Schemas as SDL text: sorted, so that equal supergraphs have equal text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphql import StringValueNode, print_ast

from router.compose.built_in import BUILT_IN_DIRECTIVES
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
from router.compose.type_ref import ListOf, NonNull, TypeRef
from router.compose.values import Absent, EnumText, Value, print_value

_KEYWORDS = {
    Kind.SCALAR: "scalar",
    Kind.OBJECT: "type",
    Kind.INTERFACE: "interface",
    Kind.UNION: "union",
    Kind.ENUM: "enum",
    Kind.INPUT_OBJECT: "input",
}
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")


def print_schema(schema: Schema) -> str:
    """Definitions are sorted by name; fields keep their order of first appearance."""
    return _Printer(schema).document()


class _Printer:
    """Values are printed by their type: only it tells an enum value from a string."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def document(self) -> str:
        schema = self.schema
        blocks = [self._schema_block()] if self._needs_schema_block() else []
        blocks += [self._directive(schema.directives[name]) for name in sorted(schema.directives)]
        blocks += [self._type(schema.types[name]) for name in sorted(schema.types)]
        return "\n\n".join(blocks) + "\n"

    def _needs_schema_block(self) -> bool:
        element, roots = self.schema.element, self.schema.roots
        has_other_roots = any(roots.get(kind, name) != name for kind, name in ROOT_NAMES.items())
        return bool(element.applications or element.description) or has_other_roots

    def _schema_block(self) -> str:
        element = self.schema.element
        uses = "".join(f"\n  {self._application(use)}" for use in element.applications)
        roots = "".join(f"\n  {kind}: {self.schema.roots[kind]}" for kind in ROOT_NAMES if kind in self.schema.roots)
        gap = "\n" if uses else " "
        return f"{_description(element.description)}schema{uses}{gap}{{{roots}\n}}"

    def _directive(self, definition: DirectiveDefinition) -> str:
        repeatable = " repeatable" if definition.repeatable else ""
        return (
            f"{_description(definition.description)}directive @{definition.name}"
            f"{self._arguments(definition.arguments.values())}{repeatable} on {' | '.join(definition.locations)}"
        )

    def _type(self, type_: TypeDefinition) -> str:
        head = f"{_description(type_.description)}{_KEYWORDS[type_.kind]} {type_.name}"
        if type_.interfaces:
            head += f" implements {' & '.join(type_.interfaces)}"
        uses = "".join(f"\n  {self._application(use)}" for use in type_.applications)
        lines: list[str] = []
        match type_.kind:
            case Kind.SCALAR:
                return head + uses
            case Kind.UNION:
                gap = "\n  =" if uses else " ="
                return f"{head}{uses}{gap} {' | '.join(type_.members)}"
            case Kind.ENUM:
                lines = [self._enum_value(value) for value in type_.values.values()]
            case Kind.INPUT_OBJECT:
                lines = [self._input(value, "  ") for value in type_.inputs.values()]
            case Kind.OBJECT | Kind.INTERFACE:
                lines = [self._field(field) for field in type_.fields.values()]
        body = "\n".join(lines)
        gap = "\n" if uses else " "
        return f"{head}{uses}{gap}{{\n{body}\n}}"

    def _field(self, field: Field) -> str:
        arguments = self._arguments(field.arguments.values(), "  ")
        uses = self._uses(field.applications)
        return f"{_description(field.description, '  ')}  {field.name}{arguments}: {field.type}{uses}"

    def _enum_value(self, value: EnumValue) -> str:
        return f"{_description(value.description, '  ')}  {value.name}{self._uses(value.applications)}"

    def _input(self, value: InputValue, indent: str) -> str:
        default = ""
        if not isinstance(value.default, Absent):
            default = f" = {print_value(self._literal(value.default, value.type))}"
        text = f"{value.name}: {value.type}{default}{self._uses(value.applications)}"
        return f"{_description(value.description, indent)}{indent}{text}"

    def _arguments(self, arguments: Iterable[InputValue], indent: str = "") -> str:
        values = list(arguments)
        if not values:
            return ""
        if any(value.description is not None for value in values):
            lines = "\n".join(self._input(value, f"{indent}  ") for value in values)
            return f"(\n{lines}\n{indent})"
        return f"({', '.join(self._input(value, '') for value in values)})"

    def _uses(self, applications: Iterable[Application]) -> str:
        return "".join(f" {self._application(use)}" for use in applications)

    def _application(self, use: Application) -> str:
        if not use.arguments:
            return f"@{use.name}"
        definition = self.schema.directives.get(use.name) or BUILT_IN_DIRECTIVES.get(use.name)
        known = definition.arguments if definition else {}
        printed: list[str] = []
        for name, value in use.arguments.items():
            argument = known.get(name)
            typed = self._literal(value, argument.type) if argument else value
            printed.append(f"{name}: {print_value(typed)}")
        return f"@{use.name}({', '.join(printed)})"

    def _literal(self, value: Value, ref: TypeRef | None) -> Value:
        if isinstance(ref, NonNull):
            ref = ref.inner
        if isinstance(value, list):
            item = ref.item if isinstance(ref, ListOf) else None
            return [self._literal(entry, item) for entry in value]
        if isinstance(ref, ListOf):
            return self._literal(value, ref.item)
        type_ = self.schema.types.get(ref.name) if ref is not None else None
        if isinstance(value, dict):
            fields = type_.inputs if type_ is not None else {}
            return {n: self._literal(v, fields[n].type if n in fields else None) for n, v in value.items()}
        if not isinstance(value, str):
            return value
        if type_ is not None and value in type_.values:
            return EnumText(value)
        if ref is not None and ref.name == "ID" and _INTEGER.fullmatch(value):
            return int(value)
        return str(value)


def _description(text: str | None, indent: str = "") -> str:
    if text is None:
        return ""
    printed = print_ast(StringValueNode(value=text, block=True))
    return "".join(f"{indent}{line}\n" if line else "\n" for line in printed.split("\n"))

"""Field sets (`"id organization { id }"`) resolved against a schema.

`resolve` raises FieldSetError at the first thing that is wrong; `selected_fields` takes what it can get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
    print_ast,
)

from router.compose.built_in import BUILT_IN_DIRECTIVES
from router.compose.graphql_rules import is_valid_value
from router.compose.schema import COMPOSITE, Field, Kind, Schema, TypeDefinition, is_required
from router.compose.type_ref import base_name
from router.compose.values import EnumText, Value, value_of


class FieldSetError(Exception):
    """`code` is a composition error code, or None for the general one of the directive."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class FieldSelection:
    parent: TypeDefinition
    name: str
    field: Field | None  #: None for `__typename`
    selections: tuple[Selection, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()  #: name, printed value
    alias: str | None = None
    directives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FragmentSelection:
    parent: TypeDefinition
    condition: TypeDefinition | None
    selections: tuple[Selection, ...]
    directives: tuple[str, ...] = ()


Selection: TypeAlias = FieldSelection | FragmentSelection
OnField: TypeAlias = Callable[[TypeDefinition, Field], None]


def parse_field_set(text: str) -> SelectionSetNode:
    """Raises FieldSetError when the text is no selection set."""
    body = text if text.lstrip().startswith("{") else f"{{{text}}}"
    try:
        document = parse(body, no_location=True)
    except (GraphQLError, RecursionError) as error:
        raise FieldSetError(error.message if isinstance(error, GraphQLError) else "It is nested too deeply.") from error
    definition = document.definitions[0]
    if len(document.definitions) != 1 or not isinstance(definition, OperationDefinitionNode):
        raise FieldSetError("A field set is one selection set.")
    return definition.selection_set


def resolve(
    schema: Schema, parent: TypeDefinition, text: str, on_field: OnField | None = None
) -> tuple[Selection, ...]:
    """Raises FieldSetError. `on_field` sees every field as soon as it is found, and may raise FieldSetError too."""
    node = schema.field_sets.get(text)
    if node is None:
        node = schema.field_sets[text] = parse_field_set(text)
    return _Resolver(schema, on_field).selections(parent, node)


def selected_fields(schema: Schema, parent: TypeDefinition, text: object, *, implementations: bool) -> list[Field]:
    """The fields that a perhaps faulty field set selects up to its first fault.

    With `implementations`, also the fields of implementing types for each field of an interface.
    """
    found: list[Field] = []
    if not isinstance(text, str) or isinstance(text, EnumText):
        return found

    def collect(type_: TypeDefinition, field: Field) -> None:
        found.append(field)
        if implementations and type_.kind is Kind.INTERFACE:
            for name in schema.possible_types(type_.name):
                implemented = schema.types[name].fields.get(field.name)
                if implemented is not None:
                    found.append(implemented)

    with suppress(FieldSetError):
        resolve(schema, parent, text, collect)
    return found


def walk(selections: tuple[Selection, ...]) -> Iterator[Selection]:
    for selection in selections:
        yield selection
        yield from walk(selection.selections)


def canonical(selections: tuple[Selection, ...]) -> frozenset[tuple[object, ...]]:
    """Equal for field sets that select the same, in whatever order."""
    return frozenset(
        (s.name, s.arguments, canonical(s.selections))
        if isinstance(s, FieldSelection)
        else ("...", s.condition.name if s.condition else None, canonical(s.selections))
        for s in selections
    )


class _Resolver:
    def __init__(self, schema: Schema, on_field: OnField | None) -> None:
        self.schema = schema
        self.on_field = on_field

    def selections(self, parent: TypeDefinition, node: SelectionSetNode) -> tuple[Selection, ...]:
        return tuple(self._selection(parent, child) for child in node.selections)

    def _selection(self, parent: TypeDefinition, node: SelectionNode) -> Selection:
        match node:
            case FieldNode():
                return self._field(parent, node)
            case InlineFragmentNode():
                return self._fragment(parent, node)
            case FragmentSpreadNode():
                raise FieldSetError(f'Fragment "{node.name.value}" is not defined.')
        raise FieldSetError("A field set selects fields and inline fragments.")

    def _field(self, parent: TypeDefinition, node: FieldNode) -> FieldSelection:
        name = node.name.value
        directives = self._directives(node.directives or ())
        alias = node.alias.value if node.alias else None
        if name == "__typename":
            return FieldSelection(parent, name, None, alias=alias, directives=directives)
        field = parent.fields.get(name)
        if field is None:
            raise FieldSetError(f'Type "{parent.name}" has no field "{name}".')
        if self.on_field is not None:
            self.on_field(parent, field)
        arguments = self._arguments(field, node)
        type_ = self.schema.types.get(base_name(field.type))
        selections: tuple[Selection, ...] = ()
        if type_ is not None and type_.kind in COMPOSITE:
            if node.selection_set is None or not node.selection_set.selections:
                raise FieldSetError(f'"{field.coordinate}: {field.type}" needs a selection of its fields.')
            selections = self.selections(type_, node.selection_set)
        elif node.selection_set is not None:
            raise FieldSetError(f'"{field.coordinate}: {field.type}" has no fields to select.')
        return FieldSelection(parent, name, field, selections, arguments, alias, directives)

    def _arguments(self, field: Field, node: FieldNode) -> tuple[tuple[str, str], ...]:
        given: dict[str, Value] = {}
        printed: list[tuple[str, str]] = []
        for argument_node in node.arguments or ():
            name = argument_node.name.value
            argument = field.arguments.get(name)
            if argument is None:
                raise FieldSetError(f'"{field.coordinate}" has no argument "{name}".')
            if _has_variable(argument_node.value):
                raise FieldSetError(f'"{argument.coordinate}" is given a variable, but there are none here.')
            given[name] = value_of(argument_node.value)
            if not is_valid_value(given[name], argument.type, self.schema):
                raise FieldSetError(f'The value of "{argument.coordinate}" is not a valid {argument.type}.')
            printed.append((name, print_ast(argument_node.value)))
        for argument in field.arguments.values():
            if is_required(argument) and argument.name not in given:
                raise FieldSetError(f'"{argument.coordinate}" is required.')
        return tuple(sorted(printed))

    def _fragment(self, parent: TypeDefinition, node: InlineFragmentNode) -> FragmentSelection:
        directives = self._directives(node.directives or ())
        condition: TypeDefinition | None = None
        if node.type_condition is not None:
            name = node.type_condition.name.value
            condition = self.schema.types.get(name)
            if condition is None or condition.kind not in COMPOSITE:
                raise FieldSetError(f'"{name}" is not a type with fields.')
        selections = self.selections(condition or parent, node.selection_set)
        return FragmentSelection(parent, condition, selections, directives)

    def _directives(self, nodes: tuple[DirectiveNode, ...] | list[DirectiveNode]) -> tuple[str, ...]:
        for node in nodes:
            name = node.name.value
            if name not in self.schema.directives and name not in BUILT_IN_DIRECTIVES:
                raise FieldSetError(f'Directive "@{name}" is not defined.')
        return tuple(node.name.value for node in nodes)


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    children = [*getattr(node, "values", ()), *(entry.value for entry in getattr(node, "fields", ()))]
    return any(_has_variable(child) for child in children)

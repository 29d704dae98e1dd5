"""The rules of GraphQL for schemas, on composition's own model: subgraphs must keep them, and so must the supergraph.

Source: GraphQL specification, section 3 (type system) and the SDL rules of section 5. Unknown types and duplicate
definitions are found while building.
"""

from __future__ import annotations

from collections import Counter

from graphql import ConstDirectiveNode

from router.compose.built_in import BUILT_IN_DIRECTIVES
from router.compose.findings import Findings
from router.compose.schema import (
    BUILT_IN_SCALARS,
    Application,
    DirectiveDefinition,
    Element,
    Field,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    applied,
    is_required,
)
from router.compose.type_ref import Contains, ListOf, NonNull, TypeRef, base_name, is_strict_subtype
from router.compose.values import ABSENT, Absent, Value, print_value


def check_graphql(schema: Schema, findings: Findings) -> None:
    for type_ in schema.types.values():
        _check_type(type_, schema, findings)
    for directive in schema.directives.values():
        _check_name(directive.name, directive.coordinate, findings)
        for argument in directive.arguments.values():
            _check_input(argument, schema, findings)
    for element in schema.elements():
        if element.applications:
            _check_applications(element, schema, findings)
    _check_implementations(schema, findings)
    _check_input_cycles(schema, findings)


def _check_name(name: str, coordinate: str, findings: Findings) -> None:
    if name.startswith("__"):
        findings.invalid(f'"{coordinate}" has a name that starts with "__", which is reserved for introspection.')


def _check_type(type_: TypeDefinition, schema: Schema, findings: Findings) -> None:
    _check_name(type_.name, type_.name, findings)
    is_empty = False
    match type_.kind:
        case Kind.OBJECT | Kind.INTERFACE:
            # the query root of a subgraph always has federation's own fields
            is_empty = not type_.fields and schema.roots.get("query") != type_.name
        case Kind.INPUT_OBJECT:
            is_empty = not type_.inputs
        case Kind.UNION:
            is_empty = not type_.members
        case Kind.ENUM:
            is_empty = not type_.values
        case Kind.SCALAR:
            pass
    if is_empty:
        findings.invalid(f'Type "{type_.name}" is empty.', type_.node)
    for field in type_.fields.values():
        _check_name(field.name, field.coordinate, findings)
        for argument in field.arguments.values():
            _check_input(argument, schema, findings)
    for input_field in type_.inputs.values():
        _check_input(input_field, schema, findings)
    for value in type_.values.values():
        if value.name in ("true", "false", "null"):
            findings.invalid(f'"{value.coordinate}" cannot be an enum value.', value.node)
        _check_name(value.name, value.coordinate, findings)


def _check_input(value: InputValue, schema: Schema, findings: Findings) -> None:
    _check_name(value.name, value.coordinate, findings)
    if is_required(value) and applied(value, "deprecated"):
        findings.invalid(f'"{value.coordinate}" is required and cannot be deprecated.', value.node)
    if value.default is not ABSENT and not is_valid_value(value.default, value.type, schema):
        default = "" if isinstance(value.default, Absent) else print_value(value.default)
        findings.invalid(f'{default} is no valid default value of "{value.coordinate}: {value.type}".', value.node)


def is_valid_value(value: Value | Absent, ref: TypeRef, schema: Schema) -> bool:
    if isinstance(ref, NonNull):
        return value is not None and is_valid_value(value, ref.inner, schema)
    if value is None or isinstance(value, Absent):
        return True
    if isinstance(ref, ListOf):
        items = value if isinstance(value, list) else [value]
        return all(is_valid_value(item, ref.item, schema) for item in items)
    type_ = schema.types.get(ref.name)
    if type_ is None or ref.name in BUILT_IN_SCALARS:
        return _is_valid_scalar(value, ref.name)
    match type_.kind:
        case Kind.SCALAR:
            return True
        case Kind.ENUM:
            return isinstance(value, str) and value in type_.values
        case Kind.INPUT_OBJECT if isinstance(value, dict):
            return value.keys() <= type_.inputs.keys() and all(
                is_valid_value(item, type_.inputs[name].type, schema) for name, item in value.items()
            )
    return False


def _is_valid_scalar(value: Value, name: str) -> bool:
    if isinstance(value, bool):
        return name == "Boolean"
    if isinstance(value, int):
        return name in ("Int", "ID", "Float")
    if isinstance(value, float):
        return name == "Float"
    return isinstance(value, str) and name in ("String", "ID")


def _check_applications(element: Element, schema: Schema, findings: Findings) -> None:
    for use in element.applications:
        definition = schema.directives.get(use.name) or BUILT_IN_DIRECTIVES.get(use.name)
        if definition is None:
            continue
        if element.location not in definition.locations:
            findings.invalid(f'Directive "@{use.name}" cannot be used on {element.location}.', use.node)
        _check_arguments(use, definition, element, schema, findings)
    if len(element.applications) > 1:
        counts = Counter(use.name for use in element.applications)
        for name, count in counts.items():
            definition = schema.directives.get(name) or BUILT_IN_DIRECTIVES.get(name)
            if count > 1 and definition is not None and not definition.repeatable:
                last = [use.node for use in element.applications if use.name == name][-1]
                findings.invalid(f'Directive "@{name}" is repeated on "{element.coordinate}".', last)


def _check_arguments(
    use: Application, definition: DirectiveDefinition, element: Element, schema: Schema, findings: Findings
) -> None:
    node = use.node
    if isinstance(node, ConstDirectiveNode) and len(node.arguments or ()) > len(use.arguments):
        findings.invalid(f'An argument of "@{use.name}" is given twice.', node)
    for name, value in use.arguments.items():
        argument = definition.arguments.get(name)
        if argument is None:
            findings.invalid(f'Directive "@{use.name}" has no argument "{name}".', node)
        elif value and not is_valid_value(value, argument.type, schema):
            findings.invalid(
                f'{print_value(value)} is no valid value of "{argument.coordinate}: {argument.type}",'
                f' given on "{element.coordinate}".',
                node,
            )
    for argument in definition.arguments.values():
        if is_required(argument) and use.arguments.get(argument.name) is None:
            findings.invalid(f'Directive "@{use.name}" needs the argument "{argument.name}".', node)


def contains_in(schema: Schema) -> Contains:
    """Whether an abstract type of `schema` has the other as member or implementation."""

    def contains(abstract: str, name: str) -> bool:
        type_ = schema.types.get(abstract)
        other = schema.types.get(name)
        if type_ is None or other is None:
            return False
        return name in type_.members or (type_.kind is Kind.INTERFACE and abstract in other.interfaces)

    return contains


def _check_implementations(schema: Schema, findings: Findings) -> None:
    contains = contains_in(schema)
    for type_ in schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for name in type_.interfaces:
            interface = schema.types[name]
            if name == type_.name:
                findings.invalid(f'"{name}" cannot implement itself.', type_.node)
                continue
            for wanted in interface.fields.values():
                _check_implemented_field(wanted, type_, contains, findings)
            for inherited in interface.interfaces:
                if inherited == type_.name:
                    findings.invalid(f'"{type_.name}" and "{name}" implement each other.', type_.node)
                elif inherited not in type_.interfaces:
                    findings.invalid(
                        f'"{type_.name}" must implement "{inherited}" too, because "{name}" does.', type_.node
                    )


def _check_implemented_field(wanted: Field, type_: TypeDefinition, contains: Contains, findings: Findings) -> None:
    field = type_.fields.get(wanted.name)
    if field is None:
        findings.invalid(f'"{type_.name}" lacks the field "{wanted.coordinate}" of its interface.', type_.node)
        return
    if field.type != wanted.type and not is_strict_subtype(wanted.type, field.type, contains):
        findings.invalid(
            f'"{field.coordinate}: {field.type}" does not fit "{wanted.coordinate}: {wanted.type}" of its interface.',
            field.node,
        )
    for name, argument in wanted.arguments.items():
        own = field.arguments.get(name)
        if own is None:
            findings.invalid(f'"{field.coordinate}" lacks the argument "{argument.coordinate}".', field.node)
        elif own.type != argument.type:
            findings.invalid(f'"{own.coordinate}: {own.type}" must have the type {argument.type}.', own.node)
    for name, own in field.arguments.items():
        if name not in wanted.arguments and is_required(own):
            findings.invalid(f'"{own.coordinate}" is required, but "{wanted.coordinate}" does not have it.', own.node)


def _check_input_cycles(schema: Schema, findings: Findings) -> None:
    """An input type that needs itself through required fields can never be given."""
    needs = {
        type_.name: [
            base_name(field.type)
            for field in type_.inputs.values()
            if isinstance(field.type, NonNull) and not isinstance(field.type.inner, ListOf)
        ]
        for type_ in schema.of_kind(Kind.INPUT_OBJECT)
    }
    # what is left after taking away, again and again, the types that need no other, goes in circles
    while True:
        free = [name for name, others in needs.items() if not any(other in needs for other in others)]
        if not free:
            break
        for name in free:
            del needs[name]
    for name in needs:
        findings.invalid(f'Input type "{name}" contains itself through required fields.', schema.types[name].node)

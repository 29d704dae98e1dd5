"""Checks definitions of federation's own types and directives that a subgraph brings along.

A redefinition may be narrower than the specification: fewer locations, fewer optional arguments, stricter types.
"""

from __future__ import annotations

from router.compose.findings import Findings
from router.compose.schema import BUILT_IN_SCALARS, DirectiveDefinition, InputValue, Kind, Schema, TypeDefinition
from router.compose.type_ref import ListOf, Named, NonNull, TypeRef
from router.compose.values import ABSENT, Absent, Value, print_value, same_value

_DIRECTIVE = "DIRECTIVE_DEFINITION_INVALID"


def check_scalar(actual: TypeDefinition, findings: Findings) -> None:
    _check_kind(Kind.SCALAR, actual, findings)


def check_enum(actual: TypeDefinition, values: set[str], findings: Findings) -> None:
    if _check_kind(Kind.ENUM, actual, findings) and set(actual.values) != values:
        findings.add(
            "TYPE_DEFINITION_INVALID", f'Enum "{actual.name}" must have the values {sorted(values)}.', actual.node
        )


def check_input(expected: TypeDefinition, actual: TypeDefinition, findings: Findings) -> None:
    if not _check_kind(Kind.INPUT_OBJECT, actual, findings):
        return
    for name, field in expected.inputs.items():
        own = actual.inputs.get(name)
        if own is None:
            problem = "is missing" if isinstance(field.type, NonNull) else ""
        else:
            own_type = own.type
            if isinstance(own_type, NonNull) and not isinstance(field.type, NonNull):
                own_type = own_type.inner
            problem = "" if own_type == field.type and own.default is ABSENT else f"must be of type {field.type}"
        if problem:
            findings.add("TYPE_DEFINITION_INVALID", f'Input field "{actual.name}.{name}" {problem}.', actual.node)
    for name in actual.inputs.keys() - expected.inputs.keys():
        findings.add("TYPE_DEFINITION_INVALID", f'Input field "{actual.name}.{name}" is not known.', actual.node)


def _check_kind(kind: Kind, actual: TypeDefinition, findings: Findings) -> bool:
    if actual.kind is kind:
        return True
    findings.add(
        "TYPE_DEFINITION_INVALID", f'Type "{actual.name}" must be of kind {kind}, not {actual.kind}.', actual.node
    )
    return False


def check_directive(
    expected: DirectiveDefinition, actual: DirectiveDefinition, schema: Schema, findings: Findings
) -> None:
    name = f'"@{expected.name}"'
    for argument in expected.arguments.values():
        _check_argument(name, argument, actual.arguments.get(argument.name), actual, schema, findings)
    for extra in actual.arguments.keys() - expected.arguments.keys():
        findings.add(_DIRECTIVE, f'{name} takes no argument "{extra}".', actual.arguments[extra].node)
    if actual.repeatable and not expected.repeatable:
        findings.add(_DIRECTIVE, f"{name} cannot be repeatable.", actual.node)
    foreign = [location for location in actual.locations if location not in expected.locations]
    if foreign:
        findings.add(
            _DIRECTIVE,
            f"{name} cannot be used on {', '.join(foreign)}, only on {', '.join(expected.locations)}.",
            actual.node,
        )


def _check_argument(
    name: str,
    expected: InputValue,
    actual: InputValue | None,
    directive: DirectiveDefinition,
    schema: Schema,
    findings: Findings,
) -> None:
    if actual is None:
        # an optional argument that is not declared simply cannot be given
        if isinstance(expected.type, NonNull) and expected.default is ABSENT:
            findings.add(_DIRECTIVE, f'{name} lacks the required argument "{expected.name}".', directive.node)
        return
    actual_type = actual.type
    if isinstance(actual_type, NonNull) and not isinstance(expected.type, NonNull):
        actual_type = actual_type.inner
    if expected.type != actual_type and not _is_free_redefinition(expected.type, actual_type, schema):
        findings.add(
            _DIRECTIVE,
            f'Argument "{expected.name}" of {name} must have type "{expected.type}", not "{actual.type}".',
            actual.node,
        )
    elif not isinstance(actual.type, NonNull) and not same_value(expected.default, actual.default):
        findings.add(
            _DIRECTIVE,
            f'Argument "{expected.name}" of {name} must have {_default(expected.default)},'
            f" not {_default(actual.default)}.",
            actual.node,
        )


def _default(value: Value | Absent) -> str:
    return "no default value" if isinstance(value, Absent) else f"the default value {print_value(value)}"


def _is_free_redefinition(expected: TypeRef, actual: TypeRef, schema: Schema) -> bool:
    """Where a custom scalar is expected anything but another custom scalar will do: values are checked by hand."""
    match expected, actual:
        case ListOf(), ListOf():
            return _is_free_redefinition(expected.item, actual.item, schema)
        case NonNull(), NonNull():
            return _is_free_redefinition(expected.inner, actual.inner, schema)
        case Named(), _:
            return _is_custom_scalar(expected, schema) and not _is_custom_scalar(actual, schema)
    return False


def _is_custom_scalar(ref: TypeRef, schema: Schema) -> bool:
    if not isinstance(ref, Named) or ref.name in BUILT_IN_SCALARS:
        return False
    type_ = schema.types.get(ref.name)
    return type_ is not None and type_.kind is Kind.SCALAR

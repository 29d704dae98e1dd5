"""Definitions of specified types and directives: added to a schema, or compared with what it defines itself."""

from __future__ import annotations

from router.compose.conform import check_directive, check_enum, check_input, check_scalar
from router.compose.findings import Findings
from router.compose.schema import DirectiveDefinition, EnumValue, InputValue, Kind, Schema, TypeDefinition
from router.compose.type_ref import TypeRef, read_type, rename_type
from router.compose.values import ABSENT
from router.federation import specs
from router.federation.link import Link
from router.federation.specs import ArgumentSpec, DirectiveSpec, FeatureSpec

_LINK_SPEC = DirectiveSpec(
    "link",
    ("SCHEMA",),
    (
        ArgumentSpec("url", "String"),
        ArgumentSpec("as", "String"),
        ArgumentSpec("for", "Purpose"),
        ArgumentSpec("import", "[Import]"),
    ),
    repeatable=True,
)
PURPOSES = {
    "SECURITY": "`SECURITY` features provide metadata necessary to securely resolve fields.",
    "EXECUTION": "`EXECUTION` features provide metadata necessary for operation execution.",
}


def define_link(schema: Schema, link: Link, findings: Findings) -> None:
    """`@link` itself, with its enum and scalar."""
    purpose, scalar = link.type_name("Purpose"), link.type_name("Import")
    if purpose in schema.types:
        check_enum(schema.types[purpose], set(PURPOSES), findings)
    else:
        schema.types[purpose] = purpose_enum(purpose)
    add_scalar(schema, scalar, findings)
    add_directive(schema, _LINK_SPEC, link.directive_name("link"), {"Purpose": purpose, "Import": scalar}, findings)


def purpose_enum(name: str) -> TypeDefinition:
    values = {value: EnumValue(value, name, text) for value, text in PURPOSES.items()}
    return TypeDefinition(Kind.ENUM, name, values=values, is_defined=True)


def add_feature(schema: Schema, spec: FeatureSpec, link: Link, findings: Findings) -> None:
    renamed = {name: link.type_name(name) for name in (*spec.types, *spec.inputs)}
    for name in spec.types:
        add_scalar(schema, renamed[name], findings)
    for name, fields in spec.inputs.items():
        _add_input(schema, renamed[name], fields, renamed, findings)
    for directive in spec.directives.values():
        add_directive(schema, directive, link.directive_name(directive.name), renamed, findings)


def add_scalar(schema: Schema, name: str, findings: Findings) -> None:
    if name in schema.types:
        check_scalar(schema.types[name], findings)
    else:
        schema.types[name] = TypeDefinition(Kind.SCALAR, name, is_defined=True)


def _add_input(schema: Schema, name: str, fields: dict[str, str], renamed: dict[str, str], findings: Findings) -> None:
    inputs = {
        field: InputValue(field, f"{name}.{field}", _renamed(read_type(type_), renamed))
        for field, type_ in fields.items()
    }
    expected = TypeDefinition(Kind.INPUT_OBJECT, name, inputs=inputs, is_defined=True)
    if name in schema.types:
        check_input(expected, schema.types[name], findings)
    else:
        schema.types[name] = expected


def add_directive(schema: Schema, spec: DirectiveSpec, name: str, renamed: dict[str, str], findings: Findings) -> None:
    definition = define(spec, name, renamed)
    existing = schema.directives.get(name)
    if existing is not None:
        check_directive(definition, existing, schema, findings)
    else:
        schema.directives[name] = definition


def define(spec: DirectiveSpec, name: str, renamed: dict[str, str]) -> DirectiveDefinition:
    """The definition of a specified directive, with the type names of one schema."""
    arguments = {
        argument.name: InputValue(
            argument.name,
            f"@{name}({argument.name}:)",
            _renamed(read_type(argument.type), renamed),
            ABSENT if argument.default is specs.NO_DEFAULT else argument.default,  # type: ignore[arg-type]  # constants
        )
        for argument in spec.arguments
    }
    return DirectiveDefinition(name, spec.locations, arguments, spec.repeatable)


def _renamed(ref: TypeRef, names: dict[str, str]) -> TypeRef:
    for old, new in names.items():
        ref = rename_type(ref, old, new)
    return ref

"""The definitions of the join specification, v0.3 to v0.5."""

from __future__ import annotations

from router.compose.schema import DirectiveDefinition, InputValue, Kind, Schema, TypeDefinition
from router.compose.type_ref import read_type
from router.compose.values import ABSENT
from router.federation.version import Version

_FIELDS = ("FIELD_DEFINITION", "INPUT_FIELD_DEFINITION")
_TYPES = ("OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "SCALAR")


def define_join(schema: Schema, version: Version) -> None:
    schema.types["join__Graph"] = TypeDefinition(Kind.ENUM, "join__Graph")
    _scalar(schema, "FieldSet")
    _directive(schema, "graph", ("ENUM_VALUE",), {"name": "String!", "url": "String!"}, repeatable=False)
    _directive(
        schema,
        "type",
        _TYPES,
        {
            "graph": "join__Graph!",
            "key": "join__FieldSet",
            "extension": "Boolean! = false",
            "resolvable": "Boolean! = true",
            "isInterfaceObject": "Boolean! = false",
        },
    )
    field = {
        "graph": "join__Graph",
        "requires": "join__FieldSet",
        "provides": "join__FieldSet",
        "type": "String",
        "external": "Boolean",
        "override": "String",
        "usedOverridden": "Boolean",
    }
    _directive(schema, "implements", ("OBJECT", "INTERFACE"), {"graph": "join__Graph!", "interface": "String!"})
    _directive(schema, "unionMember", ("UNION",), {"graph": "join__Graph!", "member": "String!"})
    _directive(schema, "enumValue", ("ENUM_VALUE",), {"graph": "join__Graph!"})
    if version >= Version(0, 4):
        field["overrideLabel"] = "String"
        _scalar(schema, "DirectiveArguments")
        _directive(
            schema,
            "directive",
            ("SCHEMA", "OBJECT", "INTERFACE", "FIELD_DEFINITION"),
            {"graphs": "[join__Graph!]", "name": "String!", "args": "join__DirectiveArguments"},
        )
    if version >= Version(0, 5):
        field["contextArguments"] = "[join__ContextArgument!]"
        _scalar(schema, "FieldValue")
        _context_argument(schema)
    _directive(schema, "field", _FIELDS, field)


def _scalar(schema: Schema, name: str) -> None:
    schema.types[f"join__{name}"] = TypeDefinition(Kind.SCALAR, f"join__{name}")


def _context_argument(schema: Schema) -> None:
    name = "join__ContextArgument"
    types = {"name": "String!", "type": "String!", "context": "String!", "selection": "join__FieldValue!"}
    inputs = {field: InputValue(field, f"{name}.{field}", read_type(type_)) for field, type_ in types.items()}
    schema.types[name] = TypeDefinition(Kind.INPUT_OBJECT, name, inputs=inputs)


def _directive(
    schema: Schema, short_name: str, locations: tuple[str, ...], arguments: dict[str, str], *, repeatable: bool = True
) -> None:
    name = f"join__{short_name}"
    inputs: dict[str, InputValue] = {}
    for argument, text in arguments.items():
        type_, _, default = text.partition(" = ")
        inputs[argument] = InputValue(
            argument, f"@{name}({argument}:)", read_type(type_), default == "true" if default else ABSENT
        )
    schema.directives[name] = DirectiveDefinition(name, locations, inputs, repeatable)

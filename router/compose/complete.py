"""Adds the definitions that links imply: federation's directives and scalars, `@link` itself, other known features.

What a schema defines itself must conform to the specification; see `conform`.
"""

from __future__ import annotations

from router.compose.conform import check_directive, check_enum, check_input, check_scalar
from router.compose.findings import Findings
from router.compose.schema import DirectiveDefinition, EnumValue, InputValue, Kind, Schema, TypeDefinition
from router.compose.subgraph import Subgraph, federation_names
from router.compose.type_ref import TypeRef, read_type, rename_type
from router.compose.values import ABSENT
from router.federation import specs
from router.federation.link import Link, make_link
from router.federation.specs import ArgumentSpec, DirectiveSpec, FeatureSpec
from router.federation.version import FeatureUrl, Version

#: Federation 1 has no links: its scalar is called `_FieldSet`, its directives by their own names
_FEDERATION_1_LINK = Link(
    FeatureUrl("", "", Version(0, 1)),
    "",
    (),
    {"FieldSet": "_FieldSet", **{f"@{spec.name}": f"@{spec.name}" for spec in specs.FEDERATION_1}},
)
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


def complete(subgraph: Subgraph, findings: Findings) -> None:
    """Defines what is missing in the schema, and sets the subgraph's version and names."""
    link = subgraph.links.federation() if subgraph.links else None
    add_link_definitions(subgraph, findings)
    if link is None:
        _complete_federation_1(subgraph.schema, findings)
    else:
        spec = specs.feature_spec(link.url)
        if spec is None:
            findings.add(
                "UNKNOWN_FEDERATION_LINK_VERSION",
                f"There is no federation version {link.url.version}; the latest known is {specs.LATEST_FEDERATION}.",
                subgraph.schema.element.node,
            )
            return
        subgraph.version = link.url.version
        add_feature(subgraph.schema, spec, link, findings)
    if not findings:
        _complete_other_features(subgraph, findings)
    subgraph.names = federation_names(subgraph.links, subgraph.schema)


def add_link_definitions(subgraph: Subgraph, findings: Findings) -> None:
    schema = subgraph.schema
    if subgraph.links is not None:
        link = subgraph.links.link_itself
        if subgraph.links_itself and link.directive_name("link") in schema.directives:
            return  # it was recognised by its definition, which need not be ours
    elif any(use.name == "link" for use in schema.element.applications) and "link" not in schema.directives:
        # `@link` is known even where it links nothing that makes this a linked schema
        link = make_link(FeatureUrl(specs.LINK, "link", Version(1, 0)), None, ())
    else:
        return
    purpose, scalar = link.type_name("Purpose"), link.type_name("Import")
    if purpose in schema.types:
        check_enum(schema.types[purpose], set(PURPOSES), findings)
    else:
        schema.types[purpose] = purpose_enum(purpose)
    _add_scalar(schema, scalar, findings)
    _add_directive(schema, _LINK_SPEC, link.directive_name("link"), {"Purpose": purpose, "Import": scalar}, findings)


def purpose_enum(name: str) -> TypeDefinition:
    values = {value: EnumValue(value, name, text) for value, text in PURPOSES.items()}
    return TypeDefinition(Kind.ENUM, name, values=values, is_defined=True)


def add_feature(schema: Schema, spec: FeatureSpec, link: Link, findings: Findings) -> None:
    renamed = {name: link.type_name(name) for name in (*spec.types, *spec.inputs)}
    for name in spec.types:
        _add_scalar(schema, renamed[name], findings)
    for name, fields in spec.inputs.items():
        _add_input(schema, renamed[name], fields, renamed, findings)
    for directive in spec.directives.values():
        _add_directive(schema, directive, link.directive_name(directive.name), renamed, findings)


def _complete_federation_1(schema: Schema, findings: Findings) -> None:
    for name in ("key", "provides", "requires"):
        definition = schema.directives.get(name)
        if definition is not None and _is_known_misdefinition(definition):
            del schema.directives[name]
    renamed = {"FieldSet": "_FieldSet"}
    _add_scalar(schema, "_FieldSet", findings)
    for spec in specs.FEDERATION_1:
        _add_directive(schema, spec, spec.name, renamed, findings)


def _is_known_misdefinition(definition: DirectiveDefinition) -> bool:
    """Libraries of Federation 1 printed these wrong definitions, and nobody minded."""
    if not definition.arguments:
        return True
    fields = definition.arguments.get("fields")
    return (
        fields is not None
        and len(definition.arguments) == 1
        and str(fields.type) in ("String", "_FieldSet", "FieldSet")
    )


def _complete_other_features(subgraph: Subgraph, findings: Findings) -> None:
    skipped = (specs.LINK, specs.CORE, specs.FEDERATION, specs.JOIN)
    for link in subgraph.links.links.values() if subgraph.links else ():
        spec = specs.feature_spec(link.url)
        if spec is not None and link.url.identity not in skipped:
            add_feature(subgraph.schema, spec, link, findings)


def _add_scalar(schema: Schema, name: str, findings: Findings) -> None:
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


def _add_directive(schema: Schema, spec: DirectiveSpec, name: str, renamed: dict[str, str], findings: Findings) -> None:
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

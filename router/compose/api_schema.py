"""The API schema: what of a supergraph clients see.

Left out are the elements of linked features, and what is @inaccessible; hiding must leave a valid schema behind.
Source: the inaccessible specification, v0.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.compose.built_in import EXECUTABLE_LOCATIONS
from router.compose.inaccessible import Hidden
from router.compose.merge.context import MergeContext
from router.compose.schema import (
    ROOT_NAMES,
    Application,
    DirectiveDefinition,
    EnumValue,
    Field,
    InputValue,
    Schema,
    SchemaElement,
    TypeDefinition,
)

_KEPT_DIRECTIVES = frozenset({"deprecated", "specifiedBy"})
#: whether clients may use these is up to the router, not to the subgraphs
_OFFERED_BY_THE_ROUTER = frozenset({"defer", "stream"})


def build_api_schema(context: MergeContext) -> Schema:
    """Reports errors when something visible needs something hidden; the schema is then of no use."""
    merged = context.merged
    hidden = Hidden(merged, context.inaccessible)
    hidden.check(context)
    api = Schema(element=SchemaElement(merged.element.description))
    for directive in merged.directives.values():
        if context.links.directive_origin(directive.name) is None and directive.name not in _OFFERED_BY_THE_ROUTER:
            api.directives[directive.name] = _directive(directive, hidden)
    kept = _KEPT_DIRECTIVES | api.directives.keys()
    for type_ in merged.types.values():
        if context.links.type_origin(type_.name) is None and not hidden.is_hidden(type_):
            api.types[type_.name] = _type(type_, hidden, kept)
    for type_ in api.types.values():
        type_.interfaces = [name for name in type_.interfaces if name in api.types]
        type_.members = [name for name in type_.members if name in api.types]
    api.roots = {kind: name for kind, name in merged.roots.items() if name in api.types and kind in ROOT_NAMES}
    return api


def _directive(directive: DirectiveDefinition, hidden: Hidden) -> DirectiveDefinition:
    arguments = {name: value for name, value in directive.arguments.items() if not hidden.is_hidden(value)}
    locations = tuple(location for location in directive.locations if location in EXECUTABLE_LOCATIONS)
    return DirectiveDefinition(
        directive.name, locations or directive.locations, arguments, directive.repeatable, directive.description
    )


def _type(type_: TypeDefinition, hidden: Hidden, kept: frozenset[str]) -> TypeDefinition:
    copy = TypeDefinition(type_.kind, type_.name, type_.description, _kept(type_.applications, kept))
    copy.interfaces = list(type_.interfaces)
    copy.members = list(type_.members)
    for field in type_.fields.values():
        if not hidden.is_hidden(field):
            arguments = {a.name: a for a in _inputs(field.arguments, hidden, kept)}
            uses = _kept(field.applications, kept)
            copy.fields[field.name] = Field(field.name, type_.name, field.type, arguments, field.description, uses)
    copy.inputs = {value.name: value for value in _inputs(type_.inputs, hidden, kept)}
    for value in type_.values.values():
        if not hidden.is_hidden(value):
            uses = _kept(value.applications, kept)
            copy.values[value.name] = EnumValue(value.name, type_.name, value.description, uses)
    return copy


def _inputs(values: dict[str, InputValue], hidden: Hidden, kept: frozenset[str]) -> Iterator[InputValue]:
    for v in values.values():
        if not hidden.is_hidden(v):
            yield InputValue(v.name, v.coordinate, v.type, v.default, v.description, _kept(v.applications, kept))


def _kept(applications: list[Application], names: frozenset[str]) -> list[Application]:
    return [use for use in applications if use.name in names]

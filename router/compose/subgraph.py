"""A subgraph in the middle of composition: its schema, its links, and the names federation goes by in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from router.compose.schema import Application, Element, Field, InputValue, Kind, Schema, TypeDefinition, applied
from router.federation import specs
from router.federation.link import LinkTable
from router.federation.version import Version

#: types and root fields of the federation machinery, which are not part of the graph
MACHINERY_TYPES = frozenset({"_Any", "_Service", "_Entity"})
MACHINERY_FIELDS = frozenset({"_service", "_entities"})


@dataclass(slots=True, eq=False)
class Subgraph:
    name: str
    url: str
    schema: Schema
    links: LinkTable | None = None  #: None in Federation 1
    #: federation directive -> its name in this schema, for those defined here
    names: dict[str, str] = field(default_factory=dict)
    #: Version of federation; None in Federation 1
    version: Version | None = None

    @property
    def is_fed2(self) -> bool:
        return self.version is not None

    def applied(self, element: Element, directive: str) -> Application | None:
        """The first application of a federation directive, whatever it is called here."""
        name = self.names.get(directive)
        return applied(element, name) if name is not None and element.applications else None

    def all_applied(self, element: Element, directive: str) -> list[Application]:
        name = self.names.get(directive)
        return [use for use in element.applications if use.name == name] if name is not None else []

    def is_interface_object(self, type_: TypeDefinition) -> bool:
        return type_.kind is Kind.OBJECT and self.applied(type_, "interfaceObject") is not None

    def is_machinery_field(self, type_name: str, field_name: str) -> bool:
        return field_name in MACHINERY_FIELDS and self.schema.roots.get("query") == type_name

    def field_at(self, type_name: str, field_name: str) -> Field | None:
        type_ = self.schema.types.get(type_name)
        return type_.fields.get(field_name) if type_ else None


def index_applications(subgraph: Subgraph) -> dict[str, list[tuple[Application, Element, Element]]]:
    """Federation directive -> (application, element, parent element), in the order of the schema.

    The parent of a field is its type, of an argument its field, of a type the type itself.
    """
    by_name = {name: directive for directive, name in subgraph.names.items()}
    found: dict[str, list[tuple[Application, Element, Element]]] = defaultdict(list)
    for element, parent in _with_parents(subgraph.schema):
        for use in element.applications:
            directive = by_name.get(use.name)
            if directive is not None:
                found[directive].append((use, element, parent))
    return found


def _with_parents(schema: Schema) -> Iterator[tuple[Element, Element]]:
    yield schema.element, schema.element
    for type_ in schema.types.values():
        yield type_, type_
        for field_ in type_.fields.values():
            yield field_, type_
            for argument in field_.arguments.values():
                yield argument, field_
        for input_field in type_.inputs.values():
            yield input_field, type_
        for value in type_.values.values():
            yield value, type_
    for definition in schema.directives.values():
        for argument in definition.arguments.values():
            yield argument, schema.element


def federation_names(links: LinkTable | None, schema: Schema) -> dict[str, str]:
    """Names of all federation directives defined in `schema`."""
    link = links.federation() if links else None
    if link is None:
        return {spec.name: spec.name for spec in specs.FEDERATION_1}
    spec = specs.feature_spec(link.url)
    known = spec.directives if spec else {}
    return {name: link.directive_name(name) for name in known if link.directive_name(name) in schema.directives}


def is_on_directive(argument: InputValue) -> bool:
    return argument.coordinate.startswith("@")

"""What the federation directives of one subgraph say about its fields: external, provided, shareable, used.

Computed once per subgraph and asked by coordinate. Faulty field sets count as far as they can be read, so that one
mistake does not cause a cascade of others.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from router.compose.field_sets import selected_fields
from router.compose.schema import COMPOSITE, Application, Element, Field, Kind, TypeDefinition
from router.compose.subgraph import Subgraph, index_applications
from router.compose.type_ref import base_name

Uses = dict[str, list[tuple[Application, Element, Element]]]

_CONTEXT = re.compile(r"(?:[\n\r\t ,]|#[^\n\r]*)*\$(?:[\n\r\t ,]|#[^\n\r]*)*([A-Za-z_]\w*)(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Facts:
    uses: Uses  #: federation directive -> its applications, with element and parent
    external: frozenset[str]  #: coordinates of fields marked @external in effect
    pretended_external: frozenset[str]  #: key fields of type extensions, which are resolved here despite @external
    provided: frozenset[str]  #: fields some @provides selects
    shareable: frozenset[str]  #: fields that may be resolved elsewhere too
    used: frozenset[str]  #: fields needed by a field set or an interface

    def is_external(self, field: Field) -> bool:
        return field.coordinate in self.external

    def is_fully_external(self, field: Field) -> bool:
        return field.coordinate in self.external and field.coordinate not in self.provided


def gather_facts(subgraph: Subgraph) -> Facts:
    uses = index_applications(subgraph)
    pretended = _pretended_external(subgraph, uses)
    external = _external(subgraph, uses) - pretended
    provided = {f.coordinate for f in _provided_fields(subgraph, uses)}
    return Facts(
        uses,
        frozenset(external),
        frozenset(pretended),
        frozenset(provided),
        frozenset(_shareable(subgraph, uses, external, provided)),
        frozenset(_used(subgraph, uses)),
    )


def split_context(text: object) -> tuple[str, str] | None:
    """`$user { id }` -> ("user", " { id }"); None when no context is named."""
    match = _CONTEXT.fullmatch(text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None


def _types_with(uses: Uses, directive: str) -> list[tuple[Application, TypeDefinition]]:
    return [(use, element) for use, element, _ in uses.get(directive, ()) if isinstance(element, TypeDefinition)]


def _fields_with(uses: Uses, directive: str) -> list[tuple[Application, Field, TypeDefinition]]:
    return [
        (use, element, parent)
        for use, element, parent in uses.get(directive, ())
        if isinstance(element, Field) and isinstance(parent, TypeDefinition)
    ]


def _external(subgraph: Subgraph, uses: Uses) -> set[str]:
    external = {field.coordinate for _, field, _ in _fields_with(uses, "external")}
    if subgraph.is_fed2:
        for _, type_ in _types_with(uses, "external"):
            external.update(field.coordinate for field in type_.fields.values())
    return external


def _pretended_external(subgraph: Subgraph, uses: Uses) -> set[str]:
    """Federation 1 made extensions mark their key fields @external although they resolve them."""
    marked = {field.coordinate for _, field, _ in _fields_with(uses, "external")}
    found: set[str] = set()
    for use, type_ in _types_with(uses, "key"):
        if use.extension or subgraph.applied(type_, "extends"):
            fields = selected_fields(subgraph.schema, type_, use.arguments.get("fields"), implementations=False)
            found.update(field.coordinate for field in fields if field.coordinate in marked)
    return found


def _provided_fields(subgraph: Subgraph, uses: Uses) -> list[Field]:
    found: list[Field] = []
    for use, field, _ in _fields_with(uses, "provides"):
        type_ = subgraph.schema.types.get(base_name(field.type))
        if type_ is not None and type_.kind in COMPOSITE:
            found += selected_fields(subgraph.schema, type_, use.arguments.get("fields"), implementations=True)
    return found


def _shareable(subgraph: Subgraph, uses: Uses, external: set[str], provided: set[str]) -> set[str]:
    """Key fields, provided external fields, and what @shareable marks: a field, or all fields of one declaration."""
    found = provided & external
    for use, type_ in _types_with(uses, "key"):
        fields = selected_fields(subgraph.schema, type_, use.arguments.get("fields"), implementations=True)
        found.update(field.coordinate for field in fields)
    found.update(field.coordinate for _, field, _ in _fields_with(uses, "shareable"))
    declarations: dict[str, set[int]] = defaultdict(set)
    for use, type_ in _types_with(uses, "shareable"):
        declarations[type_.name].add(use.extension)
    for name, extensions in declarations.items():
        type_ = subgraph.schema.types[name]
        if type_.kind is Kind.OBJECT:
            found.update(field.coordinate for field in type_.fields.values() if field.extension in extensions)
    return found


def _used(subgraph: Subgraph, uses: Uses) -> set[str]:
    schema = subgraph.schema
    fields: list[Field] = []
    for use, type_ in _types_with(uses, "key"):
        fields += selected_fields(schema, type_, use.arguments.get("fields"), implementations=True)
    for use, _, parent in _fields_with(uses, "requires"):
        fields += selected_fields(schema, parent, use.arguments.get("fields"), implementations=True)
    fields += _provided_fields(subgraph, uses)
    fields += _context_fields(subgraph, uses)
    used = {field.coordinate for field in fields}
    for interface in schema.of_kind(Kind.INTERFACE):
        for name in schema.possible_types(interface.name):
            implementation = schema.types[name]
            used.update(f"{name}.{field}" for field in interface.fields if field in implementation.fields)
    return used


def _context_fields(subgraph: Subgraph, uses: Uses) -> list[Field]:
    if "fromContext" not in uses or "context" not in uses:
        return []
    setters: dict[object, list[TypeDefinition]] = defaultdict(list)
    for use, type_ in _types_with(uses, "context"):
        name = use.arguments.get("name")
        if isinstance(name, str):
            setters[name].append(type_)
    found: list[Field] = []
    for use, _, _ in uses["fromContext"]:
        parsed = split_context(use.arguments.get("field"))
        for type_ in setters.get(parsed[0], ()) if parsed else ():
            found += selected_fields(subgraph.schema, type_, parsed[1] if parsed else None, implementations=True)
    return found

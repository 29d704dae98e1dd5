"""A schema as composition works on it: of a subgraph, and of the supergraph that grows from them.

Unlike graphql-core's schema it keeps every directive application with its arguments and place, knows which parts come
from extensions, and may be incomplete or invalid while it is built. The records are mutable: they belong to one run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from graphql import Node, SelectionSetNode

from router.compose.type_ref import NonNull, TypeRef
from router.compose.type_ref import rename_type as rename_in
from router.compose.values import ABSENT, Absent, Value


class Kind(StrEnum):
    SCALAR = "SCALAR"
    OBJECT = "OBJECT"
    INTERFACE = "INTERFACE"
    UNION = "UNION"
    ENUM = "ENUM"
    INPUT_OBJECT = "INPUT_OBJECT"


BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})
ROOT_NAMES = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
COMPOSITE = frozenset({Kind.OBJECT, Kind.INTERFACE, Kind.UNION})


@dataclass(slots=True, eq=False)
class Application:
    """`@name(arguments)` on an element."""

    name: str
    arguments: dict[str, Value] = field(default_factory=dict)
    node: Node | None = None
    extension: int = 0  #: 0 on the definition, n on the n-th extension of the type or schema


@dataclass(slots=True, eq=False)
class InputValue:
    """An argument or an input field."""

    name: str
    coordinate: str
    type: TypeRef
    default: Value | Absent = ABSENT
    description: str | None = None
    applications: list[Application] = field(default_factory=list)
    node: Node | None = None

    @property
    def location(self) -> str:
        return "ARGUMENT_DEFINITION" if self.coordinate.endswith(":)") else "INPUT_FIELD_DEFINITION"


@dataclass(slots=True, eq=False)
class Field:
    """A field of an object or interface type."""

    name: str
    parent: str
    type: TypeRef
    arguments: dict[str, InputValue] = field(default_factory=dict)
    description: str | None = None
    applications: list[Application] = field(default_factory=list)
    node: Node | None = None
    extension: int = 0

    @property
    def coordinate(self) -> str:
        return f"{self.parent}.{self.name}"

    location = "FIELD_DEFINITION"


@dataclass(slots=True, eq=False)
class EnumValue:
    name: str
    parent: str
    description: str | None = None
    applications: list[Application] = field(default_factory=list)
    node: Node | None = None

    @property
    def coordinate(self) -> str:
        return f"{self.parent}.{self.name}"

    location = "ENUM_VALUE"


@dataclass(slots=True, eq=False)
class TypeDefinition:
    kind: Kind
    name: str
    description: str | None = None
    applications: list[Application] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)  #: of objects and interfaces
    inputs: dict[str, InputValue] = field(default_factory=dict)  #: of input objects
    values: dict[str, EnumValue] = field(default_factory=dict)  #: of enums
    interfaces: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)  #: of unions
    is_defined: bool = False  #: there is a definition, not only extensions
    extension_nodes: list[Node] = field(default_factory=list)
    node: Node | None = None

    @property
    def coordinate(self) -> str:
        return self.name

    @property
    def location(self) -> str:
        return self.kind.value

    @property
    def is_extended(self) -> bool:
        return bool(self.extension_nodes)


@dataclass(slots=True, eq=False)
class DirectiveDefinition:
    name: str
    locations: tuple[str, ...] = ()
    arguments: dict[str, InputValue] = field(default_factory=dict)
    repeatable: bool = False
    description: str | None = None
    node: Node | None = None

    @property
    def coordinate(self) -> str:
        return f"@{self.name}"


@dataclass(slots=True, eq=False)
class SchemaElement:
    """The `schema { … }` definition with its extensions."""

    description: str | None = None
    applications: list[Application] = field(default_factory=list)
    node: Node | None = None

    coordinate = "schema"
    location = "SCHEMA"


Element: TypeAlias = TypeDefinition | Field | InputValue | EnumValue | SchemaElement


@dataclass(slots=True, eq=False)
class Schema:
    types: dict[str, TypeDefinition] = field(default_factory=dict)  #: without built-in scalars
    directives: dict[str, DirectiveDefinition] = field(default_factory=dict)  #: without built-in directives
    roots: dict[str, str] = field(default_factory=dict)  #: "query" … -> type name
    element: SchemaElement = field(default_factory=SchemaElement)
    field_sets: dict[str, SelectionSetNode] = field(default_factory=dict)  #: those parsed so far, by their text
    #: interface -> object types, found when first asked for; `types_changed` forgets them
    implementations: dict[str, list[str]] | None = None

    def of_kind(self, *kinds: Kind) -> Iterator[TypeDefinition]:
        return (type_ for type_ in self.types.values() if type_.kind in kinds)

    def root_kind(self, type_name: str) -> str | None:
        return next((kind for kind, name in self.roots.items() if name == type_name), None)

    def possible_types(self, type_name: str) -> list[str]:
        """Names of the object types that a value of a composite type may have, in order of definition."""
        type_ = self.types.get(type_name)
        if type_ is None:
            return []
        if type_.kind is Kind.OBJECT:
            return [type_name]
        if type_.kind is Kind.UNION:
            return list(type_.members)
        if type_.kind is not Kind.INTERFACE:
            return []
        if self.implementations is None:
            self.implementations = {}
            for other in self.of_kind(Kind.OBJECT):
                for name in other.interfaces:
                    self.implementations.setdefault(name, []).append(other.name)
        return list(self.implementations.get(type_name, ()))

    def types_changed(self) -> None:
        self.implementations = None

    def elements(self) -> Iterator[Element]:
        """Everything that can carry directives; arguments of directive definitions come last."""
        yield self.element
        for type_ in self.types.values():
            yield from elements_of(type_)
        for directive in self.directives.values():
            yield from directive.arguments.values()


def elements_of(type_: TypeDefinition) -> Iterator[Element]:
    yield type_
    for field_ in type_.fields.values():
        yield field_
        yield from field_.arguments.values()
    yield from type_.inputs.values()
    yield from type_.values.values()


def applied(element: Element, name: str | None) -> Application | None:
    """The first application of the directive; None also when the directive has no name in the schema."""
    return next((use for use in element.applications if use.name == name), None)


def all_applied(element: Element, name: str | None) -> list[Application]:
    return [use for use in element.applications if use.name == name]


def is_required(value: InputValue) -> bool:
    return isinstance(value.type, NonNull) and value.default is ABSENT


def rename_type(schema: Schema, old: str, new: str) -> None:
    """Renames a type and all references to it."""
    type_ = schema.types.pop(old)
    type_.name = new
    schema.types[new] = type_
    for kind, name in schema.roots.items():
        if name == old:
            schema.roots[kind] = new
    for other in schema.types.values():
        other.interfaces = [new if name == old else name for name in other.interfaces]
        other.members = [new if name == old else name for name in other.members]
        for field_ in other.fields.values():
            field_.type = rename_in(field_.type, old, new)
            for argument in field_.arguments.values():
                argument.type = rename_in(argument.type, old, new)
        for value in other.inputs.values():
            value.type = rename_in(value.type, old, new)
    schema.types_changed()
    for field_ in type_.fields.values():
        field_.parent = new
        for argument in field_.arguments.values():
            argument.coordinate = f"{field_.coordinate}({argument.name}:)"

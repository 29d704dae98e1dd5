"""The supergraph as records: types and fields with what each subgraph says of them.

In: nothing (built by `load.py`). Out: frozen records, read by the query graph, the executor and the server. Subgraphs
are named as in `@join__graph(name:)` everywhere; the enum values of `join__Graph` do not leave this room. Field sets
stay text here, because their parsed form belongs to the query graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from graphql import DocumentNode, GraphQLSchema


class TypeKind(StrEnum):
    SCALAR = "scalar"
    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class JoinKey:
    """`@key` of one type in one subgraph."""

    fields: str  #: field set, `id organization { id }`
    is_resolvable: bool = True  #: false: the subgraph only names the entity and cannot look it up


@dataclass(frozen=True, slots=True)
class JoinType:
    """What one subgraph knows of a type."""

    keys: tuple[JoinKey, ...] = ()
    is_extension: bool = False
    is_interface_object: bool = False  #: an object type there, an interface elsewhere


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument of a subgraph's field that clients do not see: `@fromContext`."""

    name: str
    type: str  #: SDL type in the subgraph
    context: str  #: name of the context, `subgraph__name`
    selection: str  #: what to take there, `{ id }` or ` on A { id } on B { key }`


@dataclass(frozen=True, slots=True)
class JoinField:
    """What one subgraph says of a field."""

    type: str  #: SDL type in the subgraph
    requires: str | None = None
    provides: str | None = None
    is_external: bool = False
    is_used_overridden: bool = False  #: another subgraph has it now; it stays as an external field
    override: str | None = None  #: the subgraph it is taken from
    override_label: str | None = None  #: on both sides; without a label an override is already settled
    context_arguments: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """`by_subgraph` is empty for a field that an object type only has through an interface object."""

    name: str
    type: str  #: SDL type in the supergraph
    by_subgraph: Mapping[str, JoinField]


@dataclass(frozen=True, slots=True)
class TypeInfo:
    name: str
    kind: TypeKind
    by_subgraph: Mapping[str, JoinType]
    fields: Mapping[str, FieldInfo] = field(default_factory=dict)
    interfaces: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: subgraph -> implemented there
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: subgraph -> members of the union there
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: subgraph -> values of the enum there
    contexts: frozenset[str] = frozenset()  #: contexts this type sets


@dataclass(frozen=True, slots=True)
class Subgraph:
    name: str
    url: str  #: routing URL; may be empty
    graph: str  #: value of the enum `join__Graph`
    document: DocumentNode  #: the subgraph's schema, extracted, with its federation directives
    schema: GraphQLSchema  #: the same, with `_entities` where it has keys


@dataclass(frozen=True, slots=True)
class Supergraph:
    sdl: str
    schema: GraphQLSchema  #: all of it, join elements included
    api_schema: GraphQLSchema  #: what clients see
    api_sdl: str
    subgraphs: Mapping[str, Subgraph]
    types: Mapping[str, TypeInfo]  #: without the elements of join, link and other features
    root_types: Mapping[str, str]  #: `query`, `mutation`, `subscription` -> type name
    labels: frozenset[str]  #: labels of progressive overrides in use

"""What all steps of merging share: the subgraphs, the growing supergraph, and what earlier steps found out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from graphql import Node

from router.compose.facts import Facts
from router.compose.report import Place, Report, name_list
from router.compose.schema import Application, Element, Kind, Schema, TypeDefinition
from router.compose.subgraph import Subgraph
from router.compose.values import EnumText
from router.federation.link import LinkTable
from router.federation.specs import DirectiveSpec
from router.federation.version import Version

T = TypeVar("T")

#: Subgraph number -> its version of an element; None where it has the parent but not the element.
Sources: TypeAlias = dict[int, T | None]


@dataclass(frozen=True, slots=True)
class EnumUse:
    """Where an enum is used in the supergraph: one example of each direction."""

    as_input: str | None = None
    as_output: str | None = None


@dataclass(slots=True)
class PendingDirectives:
    """Directive applications to merge once all elements exist."""

    names: set[str]
    sources: list[tuple[int, Element]]
    target: Element


@dataclass(slots=True)
class MergeContext:
    subgraphs: list[Subgraph]  #: sorted by name
    facts: list[Facts]
    report: Report
    merged: Schema
    links: LinkTable
    federation_version: Version
    join_version: Version
    graph_names: list[str]  #: values of join__Graph
    #: composed federation directive (name in the supergraph) -> its specification
    composed: dict[str, DirectiveSpec] = field(default_factory=dict)
    through_join: set[str] = field(default_factory=set)  #: names of directives recorded by @join__directive
    custom: dict[str, set[str]] = field(default_factory=dict)  #: subgraph -> directives its @composeDirective composes
    custom_definitions: dict[str, tuple[str, str]] = field(default_factory=dict)  #: name -> identity, original name
    custom_owners: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: identity -> subgraphs that define it
    inaccessible: str | None = None  #: the name of @inaccessible in the supergraph
    access: dict[str, str] = field(default_factory=dict)  #: access directive -> its name in the supergraph
    enum_uses: dict[str, EnumUse] = field(default_factory=dict)
    pending: list[PendingDirectives] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)  #: id() of merged elements that did not make it
    #: "T.f@authenticated" -> elements of subgraphs whose access directive also holds there
    inherited_access: Mapping[str, list[Element]] = field(default_factory=dict)
    types_by_name: dict[str, dict[int, TypeDefinition]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def names(self) -> list[str]:
        return [subgraph.name for subgraph in self.subgraphs]

    def graph(self, index: int) -> EnumText:
        return EnumText(self.graph_names[index])

    def kind_in(self, index: int, type_: TypeDefinition) -> Kind:
        """The kind a subgraph's type has for the supergraph: interface objects are interfaces."""
        return Kind.INTERFACE if self.subgraphs[index].is_interface_object(type_) else type_.kind

    def types(self, merged: TypeDefinition) -> Sources[TypeDefinition]:
        """The subgraphs' versions of a type, except those of another kind, which have been reported."""
        return {
            index: type_
            for index, type_ in self.types_by_name[merged.name].items()
            if self.kind_in(index, type_) is merged.kind
        }

    def possible_types(self, name: str) -> list[str]:
        return self.merged.possible_types(name)

    def place(self, index: int, node: Node | None) -> Place:
        return (self.subgraphs[index].name, node)


def present(sources: Mapping[int, T | None]) -> Iterator[tuple[int, T]]:
    return ((index, source) for index, source in sources.items() if source is not None)


def subgraphs_of(context: MergeContext, indexes: Iterable[int]) -> str:
    return name_list(context.subgraphs[index].name for index in indexes)


def spread(context: MergeContext, sources: Mapping[int, T | None], describe: Callable[[T], str]) -> str:
    """`A in subgraph "x", B in subgraphs "y" and "z"`."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, source in present(sources):
        groups[describe(source)].append(index)
    return ", ".join(f"{text} in {subgraphs_of(context, indexes)}" for text, indexes in groups.items())


def presence(context: MergeContext, sources: Mapping[int, T | None]) -> str:
    """`defined in subgraph "x", but not in subgraphs "y" and "z"`."""
    having = [index for index, source in sources.items() if source is not None]
    lacking = [index for index, source in sources.items() if source is None]
    without = f", but not in {subgraphs_of(context, lacking)}" if lacking else ""
    return f"defined in {subgraphs_of(context, having)}{without}"


def places(context: MergeContext, sources: Mapping[int, object]) -> list[Place]:
    return [
        context.place(index, getattr(source, "node", None)) for index, source in sources.items() if source is not None
    ]


def join(name: str, /, **arguments: object) -> Application:
    """A join directive; arguments that are None are left out."""
    return Application(f"join__{name}", {k: v for k, v in arguments.items() if v is not None})  # type: ignore[misc]

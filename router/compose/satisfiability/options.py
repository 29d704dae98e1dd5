"""Where a query can be in the subgraphs after a step in the supergraph: the options, and why there are none.

Steps are fields and downcasts of the API schema. An option is a node with what has to be known of the way to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.compose.satisfiability.conditions import Conditions, typename_of
from router.compose.satisfiability.graph import FieldEdge, Node, SubgraphGraph
from router.compose.schema import Field, Kind
from router.compose.type_ref import base_name


@dataclass(frozen=True, slots=True)
class Trail:
    """Ancestors, nearest first, for @fromContext."""

    node: Node
    type_name: str  #: in the supergraph
    before: Trail | None


@dataclass(frozen=True, slots=True)
class Option:
    node: Node
    runtime: frozenset[str]  #: object types the object can have, as the subgraph knows them
    last_key: object = None  #: identity of the key by which the node was just entered; None otherwise
    is_start: bool = False  #: at a root, before any field
    trail: Trail | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Step:
    """A field of the API schema."""

    field: Field
    is_leaf: bool


@dataclass(frozen=True, slots=True)
class Reason:
    subgraph: str
    text: str


class Options:
    def __init__(self, graph: SubgraphGraph, conditions: Conditions) -> None:
        self.graph = graph
        self.conditions = conditions
        self.merged = graph.merged
        uses = graph.context.facts
        self._has_contexts = any("fromContext" in facts.uses for facts in uses)
        self._moves: dict[tuple[Node, object], list[Option]] = {}

    def start(self, kind: str) -> list[Option]:
        return [Option(node, frozenset({node.type.name}), is_start=True) for node in self.graph.roots(kind)]

    def advance(self, option: Option, step: Step | Cast, labels: dict[str, bool]) -> list[Option] | None:
        """None when the step cannot be taken; empty when it can, but there is never anything behind it."""
        if isinstance(step, Cast) and not self._can_be(option, step):
            return []
        found = self._direct(option, step, labels)
        if found and isinstance(step, Step) and step.is_leaf:
            return found
        for moved in self._indirect(option):
            if isinstance(step, Cast) or self._may_have(moved.node, step):
                found += self._direct(moved, step, labels)
        return list(dict.fromkeys(found)) or None

    def _may_have(self, node: Node, step: Step) -> bool:
        """A quick look, since most subgraphs do not have most fields."""
        return step.field.parent != node.type.name or step.field.name in self.graph.fields(node)

    def _can_be(self, option: Option, cast: Cast) -> bool:
        """Whether the object can be of the type; an interface object can be any implementation."""
        source = self.merged.types.get(cast.source)
        if source is not None and source.kind is Kind.INTERFACE and option.node.type.kind is Kind.OBJECT:
            return True
        return not option.runtime.isdisjoint(self.merged.possible_types(cast.target))

    def _indirect(self, option: Option) -> list[Option]:
        if option.is_start:
            return []
        key = (option.node, option.last_key)
        moved = self._moves.get(key)
        if moved is None:
            ways = self.conditions.moves(option.node, last_key=option.last_key)
            moved = self._moves[key] = [Option(target, target.possible, edge.identity) for target, edge in ways]
        if option.trail is None:
            return moved
        return [Option(m.node, m.runtime, m.last_key, trail=option.trail) for m in moved]

    def _direct(self, option: Option, step: Step | Cast, labels: dict[str, bool]) -> list[Option]:
        if isinstance(step, Cast):
            return self._cast(option, step.target)
        node = option.node
        parent = step.field.parent
        if parent != node.type.name and not node.is_interface_object:
            # a type condition may have been taken in at an interface object, and have to be made up for after a key
            restored = self._cast(option, parent)
            if not restored:
                return []
            option = restored[0]
            node = option.node
        edge = self.graph.fields(node).get(step.field.name)
        if edge is None or not _fits(edge, labels):
            return []
        if not self._can_take(option, edge):
            return []
        if edge.target is None:
            return [Option(node, frozenset())]
        trail = Trail(node, parent, option.trail) if self._has_contexts else None
        return [Option(edge.target, frozenset(self._runtime_after(option, edge)), trail=trail)]

    def _cast(self, option: Option, name: str) -> list[Option]:
        node = option.node
        if name == node.type.name:
            return [option]
        if node.is_interface_object:
            if name in self.merged.possible_types(node.type.name) and self._knows_type(option):
                return [Option(node, option.runtime, trail=option.trail)]
            return []
        target = self.graph.casts(node).get(name)
        if target is None:
            return []
        runtime = option.runtime & target.possible
        return [Option(target, runtime, trail=option.trail)]

    def _knows_type(self, option: Option) -> bool:
        return self.conditions.can_gather(option.node, typename_of(option.node))

    def _can_take(self, option: Option, edge: FieldEdge) -> bool:
        entered = option.last_key is not None
        if edge.contexts and not self._has_context(option, edge):
            return False
        return self.conditions.can_resolve(option.node, edge, entered_by_key=entered)

    def _has_context(self, option: Option, edge: FieldEdge) -> bool:
        for need in edge.contexts:
            setter = self.setter_above(option, need.setters)
            if setter is None:
                return False
            node, type_name = setter
            if not self.conditions.can_gather(node, self.graph.merged_field_set(type_name, need.selection)):
                return False
        return self.graph.has_local_key(option.node)

    def setter_above(self, option: Option, setters: frozenset[str]) -> tuple[Node, str] | None:
        """The nearest object above that is of one of the types: where it stands, and its type in the API schema."""
        trail = option.trail
        while trail is not None and not self._sets(trail.type_name, setters):
            trail = trail.before
        return (trail.node, trail.type_name) if trail is not None else None

    def _sets(self, type_name: str, setters: frozenset[str]) -> bool:
        type_ = self.merged.types[type_name]
        if type_name in setters or not setters.isdisjoint(type_.interfaces):
            return True
        return any(type_name in self.merged.types[s].members for s in setters if s in self.merged.types)

    def _runtime_after(self, option: Option, edge: FieldEdge) -> set[str]:
        """Each object type the object can have may narrow the type of the field."""
        schema = self.graph.context.subgraphs[option.node.subgraph].schema
        found: set[str] = set()
        for name in option.runtime:
            field = schema.types[name].fields.get(edge.name) if name in schema.types else None
            if field is not None:
                found.update(schema.possible_types(base_name(field.type)))
        return found

    # why not

    def reasons(self, options: Iterable[Option], step: Step | Cast, labels: dict[str, bool]) -> list[Reason]:
        """Why none of the options can take the step, without repetitions."""
        found: dict[Reason, None] = {}
        for option in options:
            moved = self._indirect(option)
            for place in (option, *moved):
                found.update(dict.fromkeys(self._direct_reasons(place, step, labels)))
            reached = {place.node.subgraph for place in moved} | {option.node.subgraph}
            if not option.is_start:
                for place in (option, *moved):
                    found.update(dict.fromkeys(self._key_reasons(place, step, reached)))
        return list(found)

    def _name(self, node: Node) -> str:
        return self.graph.context.subgraphs[node.subgraph].name

    def _direct_reasons(self, option: Option, step: Step | Cast, labels: dict[str, bool]) -> list[Reason]:
        node = option.node
        subgraph = self._name(node)
        if isinstance(step, Cast):
            if node.is_interface_object:
                text = (
                    f'no subgraph that can be reached knows the object type behind interface object "{node.type.name}"'
                )
            else:
                text = f'there is no type "{step.target}"'
            return [Reason(subgraph, text)]
        coordinate = step.field.coordinate
        edge = self.graph.fields(node).get(step.field.name)
        if edge is not None and not _fits(edge, labels):
            label = edge.label[0] if edge.label else ""
            return [Reason(subgraph, f'"{coordinate}" is overridden under label "{label}"')]
        if edge is not None and edge.requires:
            if self.conditions.can_gather(node, edge.requires):
                text = f'"{coordinate}" has its @requires, but "{node.type.name}" has no key to resume with'
            else:
                text = f'cannot satisfy the @requires of "{coordinate}"'
            return [Reason(subgraph, text)]
        if edge is not None and edge.contexts:
            return [Reason(subgraph, f'the context which "{coordinate}" reads is not set on this way')]
        own = self.graph.context.subgraphs[node.subgraph].field_at(step.field.parent, step.field.name)
        if own is None:
            return [Reason(subgraph, f'cannot find field "{coordinate}"')]
        if self.graph.is_overridden(node.subgraph, coordinate):
            return [Reason(subgraph, f'"{coordinate}" is overridden by another subgraph')]
        return [Reason(subgraph, f'"{coordinate}" is @external and not resolved here')]

    def _key_reasons(self, option: Option, step: Step | Cast, reached: set[int]) -> list[Reason]:
        node = option.node
        subgraph = self._name(node)
        found: list[Reason] = []
        with_edge: set[int] = set()
        for edge in self.graph.key_edges(node):
            with_edge.add(edge.target.subgraph)
            if edge.target.subgraph not in reached:
                text = (
                    f'cannot move to subgraph "{self._name(edge.target)}" by @key(fields: "{edge.text}") of'
                    f' "{node.type.name}": its fields cannot be resolved from here'
                )
                found.append(Reason(subgraph, text))
        if not isinstance(step, Step):
            return found
        for index, other in enumerate(self.graph.context.subgraphs):
            if index in with_edge or index in reached or other.field_at(step.field.parent, step.field.name) is None:
                continue
            type_ = other.schema.types.get(node.type.name)
            if type_ is None:
                why = f'it does not define "{node.type.name}"'
            elif other.applied(type_, "key"):
                why = f'no @key of "{node.type.name}" is resolvable there'
            else:
                why = f'"{node.type.name}" has no @key there'
            text = f'cannot move to subgraph "{other.name}", which has "{step.field.coordinate}", because {why}'
            found.append(Reason(subgraph, text))
        return found


def _fits(edge: FieldEdge, labels: dict[str, bool]) -> bool:
    return edge.label is None or labels.get(edge.label[0]) == edge.label[1]

"""One document on one subgraph, run symbolically: what it brings, and whether the subgraph can resolve it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
)

from router.graph import parse_field_set
from router.operation.model import Field, Guard, InlineFragment, Selection
from tests.kit.plan_checker.facts import Facts, Sent
from tests.kit.plan_checker.positions import Entry, Guards, Position, arguments, note


class DocumentRun:
    """One document on one subgraph."""

    def __init__(
        self, facts: Facts, subgraph: str, number: int, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._fragments = fragments
        self._facts = facts
        self._subgraph = subgraph
        self._schema: GraphQLSchema = facts.supergraph.subgraphs[subgraph].schema
        self._number = number
        self.contextual: frozenset[str] = frozenset()  #: variables filled from ancestors
        self.sent: tuple[str, Sent] | None = None

    def select(
        self,
        selection_set: SelectionSetNode,
        position: Position,
        guards: Guards,
        provided: tuple[Selection, ...],
        seen: frozenset[str],
        static_type: str | None = None,
    ) -> None:
        """`static_type` is what the subgraph takes the objects for, where that is an interface object."""
        for type_name in sorted(position.types):
            here = static_type or type_name
            for node, inner in self._fields(selection_set.selections, here, type_name, guards):
                self._field(node, position, type_name, here, inner, provided)

    def _fields(
        self, nodes: Iterable[SelectionNode], here: str, type_name: str, guards: Guards
    ) -> Iterator[tuple[FieldNode, Guards]]:
        for node in nodes:
            inner = guards | guards_of(node.directives or ())
            if isinstance(node, FieldNode):
                yield node, inner
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, here, type_name):
                    yield from self._fields(fragment.selection_set.selections, here, type_name, inner)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else here
                if self._applies(condition, here, type_name):
                    yield from self._fields(node.selection_set.selections, here, type_name, inner)

    def _applies(self, condition: str, here: str, type_name: str) -> bool:
        if condition in (here, type_name):
            return True
        named, own = self._schema.type_map.get(condition), self._schema.type_map.get(type_name)
        return (
            named is not None
            and is_abstract_type(named)
            and isinstance(own, GraphQLObjectType)
            and self._schema.is_sub_type(named, own)
        )

    def _field(
        self,
        node: FieldNode,
        position: Position,
        type_name: str,
        here: str,
        guards: Guards,
        provided: tuple[Selection, ...],
    ) -> None:
        name = node.name.value
        key = node.alias.value if node.alias else name
        own = [a for a in node.arguments or () if not self._is_contextual(a)]
        meaning = (name, arguments(own))
        entries = position.entries.setdefault(type_name, {})
        if name == "__typename":
            if here != type_name and not is_abstract_type(self._type(here)):
                return  # an interface object does not know what it is
            note(entries, key, Entry(meaning, 0, None), (self._number, guards))
            return
        owner = type_name if self._field_type(type_name, name) is not None else here
        offered = offered_by(provided, name, type_name, self._facts)
        if offered is None and not self._facts.is_resolvable(owner, name, self._subgraph):
            self._fault(f"{self._subgraph} cannot resolve {owner}.{name}")
        self._check_requires(owner, name, offered is not None, position)
        declared = self._field_type(owner, name)
        if declared is None:
            self._fault(f"{self._subgraph} has no {owner}.{name}")
            return
        named = get_named_type(declared)
        below = None
        if is_composite_type(named) and node.selection_set is not None:
            below = Position(self._runtime_types(named))
            joined = self._facts.supergraph.types[owner].fields[name].by_subgraph[self._subgraph]
            inner = offered or ()
            if joined.provides:
                types = self._facts.supergraph.types
                inner = (*inner, *parse_field_set(joined.provides, named.name, self._subgraph, types))
            inner = (*inner, *self._key_selections(owner, name))
            is_interface_object = isinstance(named, GraphQLObjectType) and below.types != {named.name}
            self.select(
                node.selection_set, below, guards, inner, frozenset(), named.name if is_interface_object else None
            )
        depth = str(declared).count("[")
        note(entries, key, Entry(meaning, depth, below), (self._number, guards))

    def _is_contextual(self, argument: ArgumentNode) -> bool:
        return isinstance(argument.value, VariableNode) and argument.value.name.value in self.contextual

    def _key_selections(self, owner: str, name: str) -> tuple[Selection, ...]:
        """What the subgraph knows below a key field."""
        types = self._facts.supergraph.types
        return tuple(
            child
            for key in types[owner].by_subgraph[self._subgraph].keys
            for item in parse_field_set(key.fields, owner, self._subgraph, types)
            if isinstance(item, Field) and item.name == name
            for child in item.selections
        )

    def _type(self, name: str) -> GraphQLNamedType:
        return self._schema.type_map[name]

    def _field_type(self, type_name: str, name: str) -> GraphQLOutputType | None:
        named = self._schema.type_map.get(type_name)
        if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType) or name not in named.fields:
            return None
        declared: GraphQLOutputType = named.fields[name].type
        return declared

    def _runtime_types(self, named: GraphQLNamedType) -> frozenset[str]:
        if is_abstract_type(named):
            return frozenset(t.name for t in self._schema.get_possible_types(named))
        return self._facts.objects(named.name)  # an interface object can be any of the interface's types

    def _check_requires(self, owner: str, name: str, is_offered: bool, position: Position) -> None:
        joined = self._facts.supergraph.types[owner].fields[name].by_subgraph.get(self._subgraph)
        if joined is None or joined.requires is None or is_offered:
            return
        if self.sent is None or position.types.isdisjoint(self._facts.objects(self.sent[0])):
            self._fault(f"{owner}.{name} has @requires and was not entered")
        elif not self._facts.covers(self.sent[1], joined.requires, self.sent[0], self._subgraph):
            self._fault(f"{owner}.{name} requires {joined.requires}, but is sent {self.sent[1]}")

    def _fault(self, text: str) -> None:
        self._facts.fault(f"fetch {self._number}: {text}")


def fragments(operation: str) -> dict[str, FragmentDefinitionNode]:
    return {d.name.value: d for d in parse(operation).definitions if isinstance(d, FragmentDefinitionNode)}


def offered_by(
    provided: tuple[Selection, ...], name: str, type_name: str, facts: Facts
) -> tuple[Selection, ...] | None:
    found: tuple[Selection, ...] | None = None
    for selection in provided:
        if isinstance(selection, InlineFragment):
            if type_name in facts.objects(selection.type_condition):
                inner = offered_by(selection.selections, name, type_name, facts)
                found = found if inner is None else (*(found or ()), *inner)
        elif selection.name == name:
            found = (*(found or ()), *selection.selections)
    return found


def guards_of(directives: Iterable[DirectiveNode]) -> Guards:
    found: set[Guard] = set()
    for directive in directives:
        if directive.name.value in ("include", "skip"):
            value = (directive.arguments or ())[0].value
            if isinstance(value, VariableNode):
                found.add(Guard(value.name.value, directive.name.value == "include"))
    return frozenset(found)

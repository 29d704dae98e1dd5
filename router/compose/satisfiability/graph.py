"""What the subgraphs can resolve, as a graph: nodes are types in subgraphs, edges are fields, downcasts and keys.

In: the merge context, after merging. Nodes are made when first asked for. Unlike the planner's query graph this one
keeps both sides of a labelled @override, and takes @external on key fields at its word, because composition has to
refuse what the planner could only hope for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from router.compose.facts import split_context
from router.compose.field_sets import FieldSelection, FieldSetError, Selection, canonical, resolve
from router.compose.merge.context import MergeContext
from router.compose.schema import COMPOSITE, Field, Kind, Schema, TypeDefinition
from router.compose.type_ref import base_name
from router.compose.values import Value

Selections = tuple[Selection, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ContextNeed:
    """An argument filled from an ancestor."""

    setters: frozenset[str]  #: types that set the context
    selection: str


@dataclass(frozen=True, slots=True, eq=False)
class FieldEdge:
    name: str
    target: Node | None  #: None for leaves
    requires: Selections = ()
    contexts: tuple[ContextNeed, ...] = ()
    label: tuple[str, bool] | None = None  #: usable only where the label has this value


@dataclass(frozen=True, slots=True, eq=False)
class KeyEdge:
    """A way to another subgraph: by a key, or (`conditions` empty) from query root to query root."""

    target: Node
    conditions: Selections
    identity: frozenset[tuple[object, ...]]  #: equal for equal conditions
    text: str


@dataclass(slots=True, eq=False)
class Node:
    subgraph: int
    type: TypeDefinition
    provided: Selections  #: what @provides adds on this path
    is_interface_object: bool
    possible: frozenset[str]  #: object types in the subgraph
    own_fields: dict[str, FieldEdge] = field(default_factory=dict)  #: by SubgraphGraph.fields
    own_casts: dict[str, Node] = field(default_factory=dict)  #: by SubgraphGraph.casts
    is_filled: bool = False

    def __repr__(self) -> str:
        return f"{self.type.name}/{self.subgraph}"


class SubgraphGraph:
    def __init__(self, context: MergeContext, api: Schema) -> None:
        self.context = context
        self.api = api
        self.merged = context.merged
        self._nodes: dict[tuple[int, str, tuple[int, ...]], Node] = {}
        self._keys: dict[Node, tuple[KeyEdge, ...]] = {}
        self._overridden, self._labels = _read_join_fields(context)
        self._setters = context_setters(context)
        self._field_sets: dict[tuple[int, str, str], Selections] = {}

    # nodes

    def node(self, subgraph: int, type_name: str, provided: Selections = ()) -> Node:
        key = (subgraph, type_name, tuple(id(selection) for selection in provided))
        node = self._nodes.get(key)
        if node is None:
            schema = self.context.subgraphs[subgraph].schema
            type_ = schema.types[type_name]
            is_interface_object = self.context.subgraphs[subgraph].is_interface_object(type_)
            possible = frozenset(schema.possible_types(type_name))
            node = self._nodes[key] = Node(subgraph, type_, provided, is_interface_object, possible)
        return node

    def fields(self, node: Node) -> dict[str, FieldEdge]:
        if not node.is_filled:
            self._fill(node)
        return node.own_fields

    def casts(self, node: Node) -> dict[str, Node]:
        if not node.is_filled:
            self._fill(node)
        return node.own_casts

    def roots(self, kind: str) -> list[Node]:
        """The root types of all subgraphs; each has a query type, if only to enter entities."""
        name = self.merged.roots[kind]
        return [self.node(i, name) for i in range(len(self.context.subgraphs)) if self.has_type(i, name)]

    def has_type(self, subgraph: int, name: str) -> bool:
        return name in self.context.subgraphs[subgraph].schema.types

    def _fill(self, node: Node) -> None:
        node.is_filled = True
        if node.type.kind is Kind.OBJECT:
            for own in node.type.fields.values():
                edge = self._own_edge(node, own)
                if edge is not None:
                    node.own_fields[own.name] = edge
        else:
            if node.type.kind is Kind.INTERFACE:
                self._fill_interface_fields(node)
            for name in self._schema(node).possible_types(node.type.name):
                node.own_casts[name] = self.node(node.subgraph, name)
        for selection in node.provided:
            self._add_provided(node, selection)

    def _schema(self, node: Node) -> Schema:
        return self.context.subgraphs[node.subgraph].schema

    def is_resolved(self, subgraph: int, own: Field) -> bool:
        """Whether the subgraph itself resolves the field, at least under some label."""
        if self.context.facts[subgraph].is_external(own):
            return False
        return own.coordinate not in self._overridden.get(subgraph, ())

    def is_overridden(self, subgraph: int, coordinate: str) -> bool:
        return coordinate in self._overridden.get(subgraph, ())

    def _own_edge(self, node: Node, own: Field) -> FieldEdge | None:
        subgraph = self.context.subgraphs[node.subgraph]
        if not self.is_resolved(node.subgraph, own) or subgraph.is_machinery_field(own.parent, own.name):
            return None
        provides = subgraph.applied(own, "provides")
        target = self._target(node.subgraph, own, provides.arguments.get("fields") if provides else None)
        requires = subgraph.applied(own, "requires")
        return FieldEdge(
            own.name,
            target,
            self.field_set(node.subgraph, own.parent, requires.arguments.get("fields")) if requires else (),
            self._context_needs(node.subgraph, own),
            self._labels.get((node.subgraph, own.coordinate)),
        )

    def _target(self, subgraph: int, own: Field, provides: Value, more: Selections = ()) -> Node | None:
        name = base_name(own.type)
        type_ = self.context.subgraphs[subgraph].schema.types.get(name)
        if type_ is None or type_.kind not in COMPOSITE:
            return None
        provided = self.field_set(subgraph, name, provides) if provides is not None else ()
        return self.node(subgraph, name, (*provided, *more))

    def _fill_interface_fields(self, node: Node) -> None:
        """An interface resolves a field by itself if all objects it can be do; the type need not be known then."""
        visible = self.api.types.get(node.type.name)
        if visible is None:
            return
        schema = self._schema(node)
        facts = self.context.facts[node.subgraph]
        subgraph = self.context.subgraphs[node.subgraph]
        local = [schema.types[n] for n in self.api.possible_types(visible.name) if n in schema.types]
        for own in node.type.fields.values():
            versions = [type_.fields.get(own.name) for type_ in local]
            if not facts.is_external(own) and all(
                version is not None
                and self.is_resolved(node.subgraph, version)
                and subgraph.applied(version, "requires") is None
                for version in versions
            ):
                edge = self._own_edge(node, own)
                if edge is not None:
                    node.own_fields[own.name] = edge

    def _add_provided(self, node: Node, selection: Selection) -> None:
        if not isinstance(selection, FieldSelection):
            name = selection.condition.name if selection.condition else node.type.name
            if name == node.type.name:
                for inner in selection.selections:
                    self._add_provided(node, inner)
            elif name in node.own_casts:
                before = node.own_casts[name]
                node.own_casts[name] = self.node(node.subgraph, name, (*before.provided, *selection.selections))
            return
        if selection.field is None:
            return
        own = selection.field
        before_edge = node.own_fields.get(own.name)
        if before_edge is None:
            node.own_fields[own.name] = FieldEdge(
                own.name, self._target(node.subgraph, own, None, selection.selections)
            )
        elif before_edge.target is not None and selection.selections:
            provided = (*before_edge.target.provided, *selection.selections)
            target = self.node(node.subgraph, before_edge.target.type.name, provided)
            node.own_fields[own.name] = FieldEdge(
                own.name, target, before_edge.requires, before_edge.contexts, before_edge.label
            )

    # field sets

    def field_set(self, subgraph: int, type_name: str, text: Value) -> Selections:
        """Parsed once; empty when it is not valid on the type, which then cannot be left by that key."""
        if not isinstance(text, str):
            return ()
        key = (subgraph, type_name, text)
        if key not in self._field_sets:
            schema = self.context.subgraphs[subgraph].schema
            try:
                self._field_sets[key] = resolve(schema, schema.types[type_name], text)
            except FieldSetError:
                self._field_sets[key] = ()
        return self._field_sets[key]

    def merged_field_set(self, type_name: str, text: str) -> Selections:
        try:
            return resolve(self.merged, self.merged.types[type_name], text)
        except FieldSetError:
            return ()

    def _context_needs(self, subgraph: int, own: Field) -> tuple[ContextNeed, ...]:
        needs: list[ContextNeed] = []
        for argument in own.arguments.values():
            use = self.context.subgraphs[subgraph].applied(argument, "fromContext")
            parsed = split_context(use.arguments.get("field")) if use else None
            if parsed is not None:
                needs.append(ContextNeed(self._setters.get((subgraph, parsed[0]), frozenset()), parsed[1]))
        return tuple(needs)

    # keys

    def key_edges(self, node: Node) -> tuple[KeyEdge, ...]:
        """Ways to other subgraphs, in the order of the subgraphs, those of the type itself first."""
        found = self._keys.get(node)
        if found is None:
            found = self._keys[node] = tuple(self._find_key_edges(node))
        return found

    def _find_key_edges(self, node: Node) -> Iterator[KeyEdge]:
        name = node.type.name
        names = [name]
        if node.type.kind is Kind.OBJECT and not node.is_interface_object and name in self.merged.types:
            names += self.merged.types[name].interfaces
        is_query = name == self.merged.roots.get("query")
        with_type = {index for known in names for index in self.context.types_by_name.get(known, ())}
        for index in range(len(self.context.subgraphs)) if is_query else sorted(with_type):
            if index == node.subgraph:
                continue
            subgraph = self.context.subgraphs[index]
            for target_name in names:
                type_ = subgraph.schema.types.get(target_name)
                if type_ is None or (target_name != name and not subgraph.is_interface_object(type_)):
                    continue
                yield from self._keys_of(node, index, type_)
            if is_query and self.has_type(index, name):
                yield KeyEdge(self.node(index, name), (), frozenset(), "")

    def _keys_of(self, node: Node, index: int, type_: TypeDefinition) -> Iterator[KeyEdge]:
        subgraph = self.context.subgraphs[index]
        for key in subgraph.all_applied(type_, "key"):
            text = key.arguments.get("fields")
            if key.arguments.get("resolvable") is False or not isinstance(text, str):
                continue
            conditions = self.field_set(index, type_.name, text)
            if type_.name != node.type.name:
                # the key is taken on the implementation, which may lack a field of it
                conditions = self.field_set(node.subgraph, node.type.name, text)
            if conditions:
                yield KeyEdge(self.node(index, type_.name), conditions, canonical(conditions), " ".join(text.split()))

    def has_local_key(self, node: Node) -> bool:
        """Whether the node can be entered again: by a key whose fields are all resolved there."""
        subgraph = self.context.subgraphs[node.subgraph]
        for key in subgraph.all_applied(node.type, "key"):
            selections = self.field_set(node.subgraph, node.type.name, key.arguments.get("fields"))
            if selections and not self._selects_external(node.subgraph, selections):
                return True
        return False

    def _selects_external(self, subgraph: int, selections: Selections) -> bool:
        for selection in selections:
            own = selection.field if isinstance(selection, FieldSelection) else None
            if own is not None and not self.is_resolved(subgraph, own):
                return True
            if self._selects_external(subgraph, selection.selections):
                return True
        return False


def _read_join_fields(
    context: MergeContext,
) -> tuple[dict[int, set[str]], dict[tuple[int, str], tuple[str, bool]]]:
    """From the supergraph's @join__field: fields that an @override took away, and those it takes away under a label."""
    by_graph = {name: index for index, name in enumerate(context.graph_names)}
    overridden: dict[int, set[str]] = {}
    labels: dict[tuple[int, str], tuple[str, bool]] = {}
    for type_ in context.merged.types.values():
        for merged in type_.fields.values():
            for use in merged.applications:
                if use.name != "join__field" or "override" not in use.arguments:
                    continue
                origin = use.arguments["override"]
                label = use.arguments.get("overrideLabel")
                if origin not in context.names:
                    continue
                loser = context.names.index(str(origin))
                if isinstance(label, str):
                    labels[by_graph[str(use.arguments["graph"])], merged.coordinate] = (label, True)
                    labels[loser, merged.coordinate] = (label, False)
                else:
                    overridden.setdefault(loser, set()).add(merged.coordinate)
    return overridden, labels


def context_setters(context: MergeContext) -> dict[tuple[int, str], frozenset[str]]:
    """Subgraph and name of the context -> the types that set it there."""
    setters: dict[tuple[int, str], set[str]] = {}
    for index in range(len(context.subgraphs)):
        for use, type_, _ in context.facts[index].uses.get("context", ()):
            name = use.arguments.get("name")
            if isinstance(name, str):
                setters.setdefault((index, name), set()).add(type_.coordinate)
    return {key: frozenset(names) for key, names in setters.items()}

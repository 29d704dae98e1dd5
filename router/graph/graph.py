"""The query graph: what each subgraph can resolve and how to move between them.

In: a Supergraph and the set of override labels that are on. Out: nodes made on demand and kept, or all at once. The
graph of every label set is separate, which keeps `@override` with a label out of the planner: inside one graph every
field simply is or is not there.
Sources: Apollo's query graphs, Hive Router's planner graph; here conditions (keys, requirements) are selections on
the source node and not edges of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from common.collector import collection_paused
from router.graph.edge import ContextNeed, EntityMove, FieldMove
from router.graph.field_set import Selections, list_depth, named_type, parse_field_set
from router.graph.node import Node, NodeKind
from router.operation.model import Field, InlineFragment
from router.supergraph import JoinField, Supergraph, TypeInfo, TypeKind

_COMPOSITE = (TypeKind.OBJECT, TypeKind.INTERFACE, TypeKind.UNION)


class QueryGraph:
    """Nodes and moves of one supergraph under one set of labels. Not safe for use by several threads at once."""

    def __init__(self, supergraph: Supergraph, labels: frozenset[str], like: QueryGraph | None = None) -> None:
        """`like` is a graph of the same supergraph under other labels; they share what does not depend on labels."""
        self.supergraph = supergraph
        self.labels = labels
        self.subgraphs = tuple(supergraph.subgraphs)
        self.subgraph_index = {name: index for index, name in enumerate(self.subgraphs)}
        self.types = supergraph.types
        #: abstract type -> object types, of the whole supergraph
        self.possible_types: dict[str, frozenset[str]] = like.possible_types if like else _possible_types(supergraph)
        self._supertypes: dict[str, frozenset[str]] = like._supertypes if like else _supertypes(self.possible_types)
        self._nodes: dict[tuple[str, str, Selections], Node] = {}
        self._roots: dict[str, Node] = {}
        self._entity_moves: dict[int, tuple[EntityMove, ...]] = {}
        self._field_sets: dict[tuple[str, str, str], Selections] = like._field_sets if like else {}
        self._equal_sets: dict[Selections, Selections] = like._equal_sets if like else {}
        self._made = 0
        self.has_partial_unions: bool = (
            like.has_partial_unions
            if like
            else any(len(set(info.members.values())) > 1 for info in supergraph.types.values())
        )

        if like is None:
            self._parse_field_sets()

    def _parse_field_sets(self) -> None:
        """All at once, so that a broken one is found when the router starts and not by a request."""
        for info in self.types.values():
            for subgraph, join_type in info.by_subgraph.items():
                for key in join_type.keys:
                    self.field_set(info.name, key.fields, subgraph)
            for field in info.fields.values():
                for subgraph, joined in field.by_subgraph.items():
                    if joined.requires:
                        self.field_set(info.name, joined.requires, subgraph)
                    if joined.provides:
                        self.field_set(named_type(joined.type), joined.provides, subgraph)
                    for need in joined.context_arguments:
                        self._context_selections(need.context, need.selection, subgraph)

    # --- nodes -----------------------------------------------------------------------------------------------------

    @collection_paused()
    def explore(self) -> None:
        """Makes the nodes of all types, with their moves, so that no operation has to wait for them. What lies behind
        a `@provides` still comes on demand."""
        for info in self.types.values():
            for subgraph in info.by_subgraph if info.kind in _COMPOSITE else ():
                node = self.node(info.name, subgraph)
                self.entity_moves(node)
                for name in info.fields:
                    node.move(name)
                    if node.possible:
                        node.is_direct(name)

    def node(self, type_name: str, subgraph: str, provided: Selections = ()) -> Node:
        """The node of a composite type which the subgraph has."""
        key = (type_name, subgraph, provided)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = self._make(type_name, subgraph, self._kind(type_name, subgraph), provided)
        return node

    def root(self, operation_kind: str) -> Node:
        """Where an operation starts: a node without fields, from which the root types of the subgraphs are entered."""
        type_name = self.supergraph.root_types[operation_kind]
        node = self._roots.get(type_name)
        if node is None:
            node = self._roots[type_name] = self._make(type_name, "", NodeKind.ROOT, ())
        return node

    def is_query_root(self, node: Node) -> bool:
        return node.type_name == self.supergraph.root_types.get("query")

    def downcast(self, node: Node, type_name: str) -> Node:
        """The same object seen as one of the object types of an abstract node."""
        return self.node(type_name, node.subgraph, _provided_for(node.provided, type_name, self._supertypes))

    def object_types(self, type_name: str) -> frozenset[str]:
        """The object types a type condition matches, in the whole supergraph."""
        return self.possible_types.get(type_name) or frozenset((type_name,))

    def shared_members(self, node: Node, peers: tuple[Node, ...]) -> tuple[str, ...]:
        """The object types an abstract node can be; of a union only the members which all subgraphs know that could
        give the same object. A shareable field has the same value everywhere, so it cannot be any other member, and
        which one a client gets must not depend on the subgraph that happens to be asked."""
        if node.kind is not NodeKind.ABSTRACT or self.types[node.type_name].kind is not TypeKind.UNION:
            return node.possible
        same = [frozenset(peer.possible) for peer in peers if peer.type_name == node.type_name]
        return tuple(name for name in node.possible if all(name in members for members in same))

    def _make(self, type_name: str, subgraph: str, kind: NodeKind, provided: Selections) -> Node:
        self._made += 1
        return Node(self._made, type_name, subgraph, self.subgraph_index.get(subgraph, 0), kind, provided, self)

    def _kind(self, type_name: str, subgraph: str) -> NodeKind:
        info = self.types[type_name]
        if info.kind is TypeKind.OBJECT:
            return NodeKind.OBJECT
        joined = info.by_subgraph.get(subgraph)
        return NodeKind.INTERFACE_OBJECT if joined and joined.is_interface_object else NodeKind.ABSTRACT

    def find_move(self, node: Node, name: str) -> FieldMove | None:
        """See `Node.move`."""
        if node.kind is NodeKind.ROOT:
            return None
        info = self.types[node.type_name]
        field = info.fields.get(name)
        joined = field.by_subgraph.get(node.subgraph) if field else None
        if joined is None:
            return None
        offered = _offered(node.provided, name)
        is_key_only = offered is None and not self.is_resolvable(joined)
        if is_key_only and name not in self._key_fields(info, node.subgraph):
            return None
        return self._field_move(info, name, joined, node, offered, is_key_only)

    def find_possible(self, node: Node) -> tuple[str, ...]:
        """See `Node.possible`."""
        return self._possible_in(self.types[node.type_name], node.subgraph) if node.kind is NodeKind.ABSTRACT else ()

    def find_direct(self, node: Node, name: str) -> bool:
        """See `Node.is_direct`."""
        move = node.move(name)
        if move is None or move.requires:
            return False
        own = (self.downcast(node, possible).move(name) for possible in node.possible)
        return all(move is not None and not move.requires and not move.context for move in own)

    def is_resolvable(self, joined: JoinField) -> bool:
        """Whether the subgraph itself resolves the field, under this graph's labels."""
        if joined.override_label is not None:
            is_on = joined.override_label in self.labels
            return is_on == (joined.override is not None)
        return not (joined.is_external or joined.is_used_overridden)

    def _key_fields(self, info: TypeInfo, subgraph: str) -> frozenset[str]:
        """Key fields of an extension are there even if `@external`: it could not refer to the entity otherwise. On any
        other type `@external` means what it says."""
        joined = info.by_subgraph.get(subgraph)
        if joined is None or not joined.is_extension:
            return frozenset()
        return frozenset(
            s.name
            for key in joined.keys
            for s in self.field_set(info.name, key.fields, subgraph)
            if isinstance(s, Field)
        )

    def _field_move(
        self, info: TypeInfo, name: str, joined: JoinField, node: Node, offered: Selections | None, is_key_only: bool
    ) -> FieldMove:
        target_name = named_type(joined.type)
        target = None
        target_info = self.types.get(target_name)
        if target_info and target_info.kind in _COMPOSITE:
            provided = offered or ()
            if joined.provides:
                provided = (*provided, *self.field_set(target_name, joined.provides, node.subgraph))
            if is_key_only:
                provided = (*provided, *self._key_selection(info, node.subgraph, name))
            target = self.node(target_name, node.subgraph, provided)
        requires: Selections = ()
        if joined.requires and offered is None:
            requires = self.field_set(info.name, joined.requires, node.subgraph)
        context = tuple(
            ContextNeed(c.name, c.type, self._context_selections(c.context, c.selection, node.subgraph))
            for c in joined.context_arguments
        )
        clients_see = self.types.get(named_type(info.fields[name].type))
        is_narrower = (
            target is not None
            and target.kind is NodeKind.OBJECT
            and clients_see is not None
            and clients_see.kind is not TypeKind.OBJECT
        )
        return FieldMove(name, joined.type, target, list_depth(joined.type), requires, context, is_narrower)

    def _key_selection(self, info: TypeInfo, subgraph: str, name: str) -> Selections:
        return tuple(
            child
            for key in info.by_subgraph[subgraph].keys
            for s in self.field_set(info.name, key.fields, subgraph)
            if isinstance(s, Field) and s.name == name
            for child in s.selections
        )

    def _context_selections(self, context: str, text: str, subgraph: str) -> tuple[tuple[str, Selections], ...]:
        """What to take from the ancestor, by the types that set the context."""
        names = {n for info in self.types.values() if context in info.contexts for n in self.object_types(info.name)}
        return tuple((name, self.field_set(name, text, subgraph)) for name in sorted(names))

    def _possible_in(self, info: TypeInfo, subgraph: str) -> tuple[str, ...]:
        if info.kind is TypeKind.UNION:
            members = info.members.get(subgraph, frozenset())
            return tuple(sorted(m for m in members if subgraph in self.types[m].by_subgraph))
        return tuple(
            sorted(
                name
                for name in self.possible_types[info.name]
                if subgraph in self.types[name].by_subgraph
                and info.name in self.types[name].interfaces.get(subgraph, ())
            )
        )

    # --- moves to other subgraphs ----------------------------------------------------------------------------------

    def entity_moves(self, node: Node) -> tuple[EntityMove, ...]:
        """Every way out of a node, in the order of the subgraphs; several when a target has several keys."""
        moves = self._entity_moves.get(node.id)
        if moves is None:
            moves = self._entity_moves[node.id] = tuple(self._find_entity_moves(node))
        return moves

    def _find_entity_moves(self, node: Node) -> Iterator[EntityMove]:
        info = self.types[node.type_name]
        if node.type_name == self.supergraph.root_types.get("query") or node.kind is NodeKind.ROOT:
            for subgraph in info.by_subgraph:
                if subgraph != node.subgraph:
                    yield EntityMove(node, self.node(node.type_name, subgraph), (), node.type_name, is_root=True)
            return
        names = [node.type_name] if node.kind is not NodeKind.ABSTRACT else []
        if node.kind is NodeKind.OBJECT:
            names.extend(sorted(self._supertypes.get(node.type_name, ())))
        for subgraph in self.subgraphs:
            for name in names:
                joined = self.types[name].by_subgraph.get(subgraph)
                if joined is None or (name != node.type_name and not joined.is_interface_object):
                    continue
                for key in joined.keys:
                    if key.is_resolvable:
                        target = self.node(name, subgraph)
                        if target.kind is NodeKind.ABSTRACT and not target.possible:
                            continue  # an interface without types has no representations
                        yield EntityMove(node, target, self.field_set(name, key.fields, subgraph), name)

    def field_set(self, type_name: str, text: str, subgraph: str) -> Selections:
        """As the subgraph means it. Parsed once; equal sets are the same object."""
        key = (type_name, text, subgraph)
        found = self._field_sets.get(key)
        if found is None:
            found = parse_field_set(text, type_name, subgraph, self.types)
            found = self._field_sets[key] = self._equal_sets.setdefault(found, found)
        return found


def _offered(provided: Selections, name: str) -> Selections | None:
    """What is provided below a field; None for a field that is not provided. It may be provided on several ways."""
    found = [s.selections for s in provided if isinstance(s, Field) and s.name == name]
    if not found:
        return None
    return found[0] if len(found) == 1 else tuple(selection for each in found for selection in each)


def _provided_for(provided: Selections, type_name: str, supertypes: dict[str, frozenset[str]]) -> Selections:
    found: list[Field | InlineFragment] = []
    for selection in provided:
        match selection:
            case Field():
                found.append(selection)
            case InlineFragment(type_condition=name):
                if name == type_name or name in supertypes.get(type_name, ()):
                    found.extend(_provided_for(selection.selections, type_name, supertypes))
    return tuple(found)


def _possible_types(supergraph: Supergraph) -> dict[str, frozenset[str]]:
    possible: dict[str, set[str]] = {}
    for info in supergraph.types.values():
        if info.kind is TypeKind.UNION:
            possible[info.name] = set().union(*info.members.values())
        elif info.kind is TypeKind.INTERFACE:
            possible.setdefault(info.name, set())
        elif info.kind is TypeKind.OBJECT:
            for name in set().union(*info.interfaces.values()):
                possible.setdefault(name, set()).add(info.name)
    return {name: frozenset(objects) for name, objects in possible.items()}


def _supertypes(possible_types: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Object type -> interfaces and unions it belongs to anywhere."""
    supertypes: dict[str, set[str]] = {}
    for name, objects in possible_types.items():
        for object_name in objects:
            supertypes.setdefault(object_name, set()).add(name)
    return {name: frozenset(found) for name, found in supertypes.items()}

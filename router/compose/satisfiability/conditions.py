"""Whether the fields of a key, of a @requires or of a @fromContext can be gathered.

A field set is gathered leaf by leaf: each leaf needs one way, through whatever subgraphs. While looking for the key of
a move, the subgraph it leads to is out of bounds, and so are the conditions already being gathered; what asks for
itself cannot be gathered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from router.compose.field_sets import FieldSelection, Selection, canonical
from router.compose.satisfiability.graph import FieldEdge, KeyEdge, Node, Selections, SubgraphGraph
from router.compose.satisfiability.prospects import Prospects
from router.compose.schema import Kind

#: nodes that are reached at the same time, one for each possible object type; empty for a leaf
Branch = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What must not be used while gathering."""

    subgraphs: frozenset[int] = frozenset()
    conditions: frozenset[frozenset[tuple[object, ...]]] = frozenset()

    def without(self, subgraph: int) -> Bounds:
        return Bounds(self.subgraphs | {subgraph}, self.conditions)


FREE = Bounds()


class TooMuchWorkError(Exception):
    """The search grew beyond its limit, which is the message."""


class TooManyStepsError(TooMuchWorkError):
    """In looking for keys."""


class Conditions:
    """Answers are kept: the same keys are asked for again and again.

    Keys are taken in Apollo's order, because which key a move took decides, in rare cases, what can be gathered after
    it. In a hurry, keys that need further moves wait until those at hand were used: mostly there is another way then.
    """

    def __init__(self, graph: SubgraphGraph, most_steps: int, *, is_hurried: bool = False) -> None:
        self.graph = graph
        self._prospects = Prospects(graph)
        self._known: dict[tuple[Node, object, Bounds], bool] = {}
        self._open: set[tuple[Node, object, Bounds]] = set()
        self._loops = 0
        self._most_steps = most_steps
        self._steps_left = most_steps
        self._is_hurried = is_hurried

    def can_gather(self, node: Node, selections: Selections, bounds: Bounds = FREE) -> bool:
        """Whether all of the selections can be had for an object which is at the node. May raise TooMuchWorkError."""
        identity = canonical(selections)
        key = (node, identity, bounds)
        if key in self._known:
            return self._known[key]
        if key in self._open:
            self._loops += 1
            return False
        if len(bounds.subgraphs) > 1 and not self._prospects.may_gather(node, selections):
            self._known[key] = False
            return False
        loops_before = self._loops
        self._open.add(key)
        inner = Bounds(bounds.subgraphs, bounds.conditions | {identity})
        found = all(self._can_reach(node, selection, inner) for selection in selections)
        self._open.discard(key)
        # a refusal that came from meeting itself says nothing about other ways to the same question
        if found or self._loops == loops_before:
            self._known[key] = found
        return found

    def can_resolve(self, node: Node, edge: FieldEdge, *, entered_by_key: bool) -> bool:
        """Whether the @requires of the field can be fulfilled: gathered elsewhere, and the subgraph entered again."""
        if not edge.requires:
            return True
        return self.can_gather(node, edge.requires) and (entered_by_key or self.graph.has_local_key(node))

    def moves(self, node: Node, bounds: Bounds = FREE, last_key: object = None) -> list[tuple[Node, KeyEdge]]:
        """Where the object can be taken by keys, on shortest ways.

        `last_key` is the identity of the key by which the node was entered: the same key leads nowhere new.
        """
        found: dict[Node, KeyEdge] = {}
        queue: deque[tuple[Node, object]] = deque([(node, last_key)])
        later: deque[tuple[Node, KeyEdge]] = deque()
        while queue or later:
            if queue:
                current, previous = queue.popleft()
                for edge in self.graph.key_edges(current):
                    self._count_step()
                    target = edge.target.subgraph
                    if target in bounds.subgraphs or target == node.subgraph or edge.target in found:
                        continue
                    if not edge.conditions:
                        if current is node:
                            found[edge.target] = edge
                    elif edge.identity == previous or edge.identity in bounds.conditions:
                        continue
                    elif self._can_take_now(current, edge, bounds):
                        found[edge.target] = edge
                        queue.append((edge.target, edge.identity))
                    elif self._is_hurried:
                        later.append((current, edge))
                continue
            current, edge = later.popleft()
            inner = bounds.without(edge.target.subgraph)
            if edge.target not in found and self.can_gather(current, edge.conditions, inner):
                found[edge.target] = edge
                queue.append((edge.target, edge.identity))
        return list(found.items())

    def _can_take_now(self, node: Node, edge: KeyEdge, bounds: Bounds) -> bool:
        if self._is_hurried:
            return self._is_at_hand(node, edge.conditions)
        return self.can_gather(node, edge.conditions, bounds.without(edge.target.subgraph))

    def _is_at_hand(self, node: Node, selections: Selections) -> bool:
        """Whether the node's own subgraph resolves all of the selections, unconditionally."""
        fields = self.graph.fields(node)
        for selection in selections:
            edge = fields.get(selection.name) if isinstance(selection, FieldSelection) else None
            if edge is None or edge.label is not None or edge.contexts or edge.requires:
                return False
            if selection.selections and (
                edge.target is None or not self._is_at_hand(edge.target, selection.selections)
            ):
                return False
        return True

    def _count_step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooManyStepsError(f"{self._most_steps} looks at keys")

    def _can_reach(self, node: Node, selection: Selection, bounds: Bounds) -> bool:
        """Every leaf below the selection; different leaves may take different ways."""
        branches = list(self._advance(node, selection, bounds))
        if not branches:
            return False
        return all(
            any(all(self._can_reach(inner, child, bounds) for inner in branch) for branch in branches)
            for child in selection.selections
        )

    def _advance(self, node: Node, selection: Selection, bounds: Bounds) -> Iterator[Branch]:
        self._count_step()
        if not isinstance(selection, FieldSelection):
            yield from self._cast(node, selection.condition.name if selection.condition else None)
            return
        direct = list(self._field(node, selection, bounds, entered_by_key=False))
        yield from direct
        is_leaf = not selection.selections
        if direct and is_leaf:
            return
        for target, edge in self.moves(node, bounds):
            # a leaf that is part of the key is needed before the move, not after it
            if is_leaf and any(isinstance(c, FieldSelection) and c.name == selection.name for c in edge.conditions):
                continue
            yield from self._field(target, selection, bounds, entered_by_key=True)

    def _field(
        self, node: Node, selection: FieldSelection, bounds: Bounds, *, entered_by_key: bool
    ) -> Iterator[Branch]:
        if selection.name == "__typename":
            if not node.is_interface_object:
                yield ()
            return
        edge = self.graph.fields(node).get(selection.name)
        is_plain = edge is not None and edge.label is None and not edge.contexts
        if edge is not None and is_plain and self.can_resolve(node, edge, entered_by_key=entered_by_key):
            yield (edge.target,) if edge.target is not None else ()
            return
        if node.type.kind is Kind.INTERFACE:
            yield from self._each_object(node, selection)

    def _each_object(self, node: Node, selection: FieldSelection) -> Iterator[Branch]:
        """The field on every object type the interface can be: all of them must have it."""
        names = [selection.parent.name] if selection.parent.name != node.type.name else list(self.graph.casts(node))
        together: list[Branch] = [()]
        for name in names:
            if name not in self.graph.casts(node):
                continue
            ways = list(self._advance(self.graph.casts(node)[name], selection, FREE))
            if not ways:
                return
            together = [(*before, *way) for before in together for way in ways[:8]]
            together = together[:64]
        if any(name in self.graph.casts(node) for name in names):
            yield from together

    def _cast(self, node: Node, name: str | None) -> Iterator[Branch]:
        """An empty branch when an object at the node can never be of the type: then there is nothing to gather."""
        if name is None or name == node.type.name:
            yield (node,)
        elif node.type.kind is not Kind.OBJECT:
            possible = {name, *self.graph.merged.possible_types(name)}
            yield tuple(cast for cast_name, cast in self.graph.casts(node).items() if cast_name in possible)
        elif node.type.name in self.graph.merged.possible_types(name):
            yield (node,)
        elif not node.is_interface_object:
            yield ()
        elif self.can_gather(node, typename_of(node)):
            yield (node,)


def typename_of(node: Node) -> Selections:
    """`__typename`, which an interface object has to learn from another subgraph."""
    return (FieldSelection(node.type, "__typename", None),)

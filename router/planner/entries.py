"""Which subgraphs can be entered from a node, and with which key.

The fields of a key are selections like any other, so finding the ways out of a node needs the search, which needs the
ways out of nodes. What is met while it is still being worked out gives a provisional answer, which is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from router.graph import EntityMove, FieldMove, Node, NodeKind, QueryGraph, Selections
from router.planner.cost import levels, request, weight
from router.planner.query_tree import Solution

Solve = Callable[[Node, Selections], Solution | None]

_REQUIREMENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A subgraph that can be reached from a node, by the cheapest of its keys."""

    move: EntityMove
    inputs: Solution
    cost: int  #: with the entity fetch itself


#: an entry, and the field there; without a move where types of an interface may have the field
Way = tuple[Entry, FieldMove | None]


class Memory:
    """What does not depend on the operation: the ways out of each node. One per query graph."""

    def __init__(self, graph: QueryGraph) -> None:
        self.graph = graph
        self.entries: dict[int, dict[int, Entry]] = {}  #: node id -> target node id -> entry
        self.ways: dict[tuple[int, str], list[Way]] = {}  #: node id, field name -> those of the entries that have it


@dataclass(slots=True)
class Unfinished:
    """What is being worked out at this moment."""

    requirements: set[tuple[int, int]] = field(default_factory=set)  #: node id, identity of the field move
    entries: dict[int, dict[int, Entry]] = field(default_factory=dict)  #: by node id
    #: what was met while it was still being worked out, node ids or _REQUIREMENT
    cuts: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.requirements or self.entries)

    def cut_requirement(self) -> None:
        self.cuts.append(_REQUIREMENT)


class Entries:
    def __init__(self, graph: QueryGraph, memory: Memory, unfinished: Unfinished) -> None:
        self._graph = graph
        self._known = memory.entries
        self._ways = memory.ways
        self._unfinished = unfinished
        self._count = len(graph.subgraphs)

    def to_field(self, node: Node, name: str, solve: Solve) -> list[Way]:
        """The ways that may lead to a field. A return to where one stands is one only with requirements."""
        key = (node.id, name)
        found = self._ways.get(key)
        if found is None:
            found = list(_ways(node, name, self.of(node, solve)))
            if node.id in self._known:
                self._ways[key] = found
        return found

    def of(self, node: Node, solve: Solve) -> dict[int, Entry]:
        """Target node id -> how to get there. Grows round by round: a key may be found in a subgraph entered before."""
        found = self._known.get(node.id)
        if found is not None:
            return found
        unfinished = self._unfinished
        found = unfinished.entries.get(node.id)
        if found is not None:
            unfinished.cuts.append(node.id)
            return found
        before = len(unfinished.cuts)
        found = unfinished.entries[node.id] = {}
        self._grow(node, found, solve)
        del unfinished.entries[node.id]
        is_provisional = any(cut != node.id for cut in unfinished.cuts[before:])
        if not (is_provisional and unfinished):
            self._known[node.id] = found  # only when complete: the memory outlives this search
        return found

    def _grow(self, node: Node, found: dict[int, Entry], solve: Solve) -> None:
        pending: Sequence[EntityMove] = self._graph.entity_moves(node)
        at_hand: dict[int, Solution] = {}  #: by identity of the key, which many subgraphs have in common
        is_growing = True
        while is_growing and pending:
            is_growing = False
            undecided: list[EntityMove] = []
            for move in pending:
                inputs = at_hand.get(id(move.key)) or solve(node, move.key)
                if inputs is None or inputs.cost:  # a later round may know a better way to the key
                    undecided.append(move)
                else:
                    at_hand[id(move.key)] = inputs
                if inputs is not None and self._improve(found, move, inputs):
                    is_growing = True
            pending = undecided

    def _improve(self, found: dict[int, Entry], move: EntityMove, inputs: Solution) -> bool:
        level = levels(inputs.cost, self._count)
        cost = inputs.cost | request(move.target.subgraph_index, level, self._count)
        before = found.get(move.target.id)
        if before is not None and weight(before.cost, self._count) <= weight(cost, self._count):
            return False
        found[move.target.id] = Entry(move, inputs, cost)
        return True


def _ways(node: Node, name: str, entries: dict[int, Entry]) -> Iterator[Way]:
    for entry in entries.values():
        target = entry.move.target
        if target.kind is NodeKind.ABSTRACT:
            yield entry, None
            continue
        move = target.move(name)
        is_return = target.subgraph == node.subgraph and target.type_name == node.type_name
        if move is not None and (move.requires or move.context or not is_return):
            yield entry, move

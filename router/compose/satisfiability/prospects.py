"""What could be gathered at best: an upper bound that is quick to find, and saves searches which cannot succeed.

The search forbids the subgraph a move leads to while it gathers the key of that move, so the same question comes back
under each combination of forbidden subgraphs: for keys that depend on each other in circles these are exponentially
many. Here nothing is forbidden. Moves are taken to be possible once their keys are, beginning with none, until nothing
is added: keys that need each other never get in. What is not found here cannot be found by the search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from router.compose.field_sets import FieldSelection
from router.compose.satisfiability.graph import FieldEdge, Node, Selections, SubgraphGraph
from router.compose.schema import Kind

#: field -> its edges at the nodes that can be reached; None stands for whatever an abstract type may offer
_Offer = Mapping[str, Sequence[FieldEdge | None]]

_ANY = ""


class Prospects:
    def __init__(self, graph: SubgraphGraph) -> None:
        self._graph = graph
        self._moves: dict[Node, set[Node]] = {}  #: those that are possible, by one key
        self._is_settled: set[Node] = set()
        self._offers: dict[Node, _Offer] = {}  #: of settled nodes

    def may_gather(self, node: Node, selections: Selections) -> bool:
        """False only when the search would find nothing either, whatever is forbidden."""
        self._moves.setdefault(node, set())
        while not self._may_gather(node, selections):
            if not self._grow():
                self._is_settled.update(self._moves)
                return False
        return True

    def _grow(self) -> bool:
        """One round over all nodes met so far; whether a move or a node was added."""
        before = len(self._moves)
        has_grown = False
        self._offers = {node: offer for node, offer in self._offers.items() if node in self._is_settled}
        for node in [node for node in self._moves if node not in self._is_settled]:
            for edge in self._graph.key_edges(node):
                if edge.target not in self._moves[node] and self._may_gather(node, edge.conditions):
                    self._moves[node].add(edge.target)
                    self._moves.setdefault(edge.target, set())
                    has_grown = True
        return has_grown or len(self._moves) > before

    def _may_gather(self, node: Node, selections: Selections) -> bool:
        self._moves.setdefault(node, set())
        offer = self._offers.get(node)
        if offer is None:
            offer = self._offers[node] = self._offer(node)
        return _ANY in offer or all(
            not isinstance(selection, FieldSelection)
            or selection.name == "__typename"
            or any(self._may_follow(edge, selection.selections) for edge in offer.get(selection.name, ()))
            for selection in selections
        )

    def _may_follow(self, edge: FieldEdge | None, selections: Selections) -> bool:
        if edge is None or not selections:
            return True
        return edge.target is None or self._may_gather(edge.target, selections)

    def _offer(self, start: Node) -> _Offer:
        found: dict[str, list[FieldEdge | None]] = defaultdict(list)
        nodes = {start: None}
        queue = [start]
        for node in queue:
            if node.type.kind is not Kind.OBJECT:
                return {_ANY: (None,)}
            for name, edge in self._graph.fields(node).items():
                found[name].append(edge)
            new = [target for target in self._moves.get(node, ()) if target not in nodes]
            nodes.update(dict.fromkeys(new))
            queue += new
        return found

"""One decision of the search as candidates: those it weighed, and the subgraphs it could not use.

The search does not say why a subgraph is no option; it is found out here, by looking at the same things again.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.graph import EntityMove, FieldMove, Node, QueryGraph, Selections
from router.operation.model import Field, Selection
from router.planner.cost import below, levels, request, weight
from router.planner.decisions import Decision
from router.planner.explain.explanation import Candidate
from router.planner.explain.text import plural
from router.planner.lookups import LookupCounter, Option
from router.planner.query_tree import NOTHING, Enter, Part, Solution
from router.planner.search import Search
from router.supergraph import JoinField


class CandidateFinder:
    def __init__(self, graph: QueryGraph, search: Search) -> None:
        self._graph = graph
        self._search = search
        self._count = len(graph.subgraphs)
        self._lookups = LookupCounter(self._count)

    def weighed(self, decision: Decision) -> tuple[Candidate, ...]:
        chosen, *others = self._options(decision)
        keys = self._other_keys(decision)
        impossible = () if chosen.request_count == 0 else tuple(self._impossible(decision))
        return (chosen, *others, *keys, *impossible)

    def alone(self, route: str, cost: int, why: str) -> Candidate:
        """Where there was nothing to choose from."""
        return self._candidate(route, why, cost, is_chosen=True)

    def unusable(self, node: Node, field: Field) -> tuple[Candidate, ...]:
        """For a field without an option."""
        return tuple(self._unusable(node, field, frozenset()))

    def _candidate(self, route: str, why: str, cost: int, *, is_chosen: bool = False) -> Candidate:
        return Candidate(route, why, is_chosen, True, cost.bit_count(), levels(cost, self._count))

    # --- what was weighed ------------------------------------------------------------------------------------------

    def _options(self, decision: Decision) -> Iterator[Candidate]:
        """The chosen one first."""
        winner = decision.options[decision.chosen]
        yield self._candidate(_route(winner[1], decision.node), self._why_chosen(decision), winner[0], is_chosen=True)
        for index, option in enumerate(decision.options):
            if index != decision.chosen:
                yield self._candidate(_route(option[1], decision.node), self._why_lost(decision, option), option[0])

    def _why_chosen(self, decision: Decision) -> str:
        cost, _ = decision.options[decision.chosen]
        if cost == 0:
            return "it is at hand"
        if len(decision.options) == 1:
            return "the only way"
        if cost | decision.beside == decision.beside:
            return "its requests are made anyway"
        own = weight(cost, self._count)
        if any(weight(other, self._count) < own for other, _ in decision.options):
            return "costs least together with what else is selected here"
        return "costs least"

    def _why_lost(self, decision: Decision, option: Option) -> str:
        winner = decision.options[decision.chosen]
        mine, best = option[0] | decision.beside, winner[0] | decision.beside
        if weight(mine, self._count) < weight(best, self._count):
            return "costs less, but was not found within the bounds of the search"
        difference = self._difference(mine, best)
        if difference:
            is_alone_dearer = weight(option[0], self._count) > weight(winner[0], self._count)
            return difference if is_alone_dearer else f"{difference} together with what else is selected here"
        more = self._lookups.count(option[1]) - self._lookups.count(winner[1])
        if more > 0:
            return f"costs the same, but looks up {plural(more, 'field')} more behind entity moves"
        return "costs the same and comes later"

    def _difference(self, mine: int, best: int) -> str:
        counts = (
            (mine.bit_count() - best.bit_count(), "request"),
            (levels(mine, self._count) - levels(best, self._count), "round trip"),
        )
        parts = [f"{plural(abs(n), name)} {'more' if n > 0 else 'less'}" for n, name in counts if n]
        return ", ".join(parts)

    def _other_keys(self, decision: Decision) -> Iterator[Candidate]:
        """The same subgraph by the keys that were not used."""
        _, parts = decision.options[decision.chosen]
        part = parts[0]
        if len(parts) > 1 or not isinstance(part, Enter) or part.move.is_root or _required(part):
            return
        used = weight(self._entered(part.move, part.inputs, NOTHING), self._count)
        for move in self._graph.entity_moves(decision.node):
            if move is part.move or move.target is not part.move.target:
                continue
            route = _entity_route(move, ())
            inputs = self._search.solve_key(decision.node, move.key)
            if inputs is None:
                yield Candidate(route, "this key cannot be had from here", is_possible=False)
                continue
            is_dearer = weight(self._entered(move, inputs, NOTHING), self._count) > used
            why = "its key costs more" if is_dearer else "its key costs the same and comes later"
            yield self._candidate(route, why, self._entered(move, inputs, part.child))

    def _entered(self, move: EntityMove, inputs: Solution, child: Solution) -> int:
        level = levels(inputs.cost, self._count)
        entry = request(move.target.subgraph_index, level, self._count)
        return inputs.cost | entry | below(child.cost, level + 1, self._count)

    # --- what was no option ----------------------------------------------------------------------------------------

    def _impossible(self, decision: Decision) -> Iterator[Candidate]:
        if not isinstance(decision.selection, Field):
            return
        used = {name for _, parts in decision.options for name in _subgraphs(parts, decision.node)}
        yield from self._unusable(decision.node, decision.selection, frozenset(used))

    def _unusable(self, node: Node, field: Field, used: frozenset[str]) -> Iterator[Candidate]:
        info = self._graph.types[node.type_name].fields.get(field.name)
        for subgraph, joined in info.by_subgraph.items() if info else ():
            if subgraph not in used:
                yield Candidate(subgraph, self._why_not(node, subgraph, field, joined), is_possible=False)

    def _why_not(self, node: Node, subgraph: str, field: Field, joined: JoinField) -> str:
        if not self._graph.is_resolvable(joined):
            return "external there" if joined.is_external else "overridden by another subgraph"
        target = self._target(node, subgraph)
        if target is None:
            return self._why_closed(node, subgraph)
        move = target.move(field.name)
        if move is not None and move.requires and self._search.solve(node, move.requires) is None:
            return f"what it requires, {field_set(move.requires)}, cannot be had from here"
        return self._why_incomplete(move)

    def _why_incomplete(self, move: FieldMove | None) -> str:
        if move is None or move.target is None:
            return "the way there needs this field"
        return "what is selected below cannot be had from there"

    def _target(self, node: Node, subgraph: str) -> Node | None:
        if subgraph == node.subgraph:
            return node
        entered = (entry.move.target for entry in self._search.entries(node).values())
        return next((target for target in entered if target.subgraph == subgraph), None)

    def _why_closed(self, node: Node, subgraph: str) -> str:
        keys = [field_set(m.key) for m in self._graph.entity_moves(node) if m.target.subgraph == subgraph]
        if not keys:
            return f"it cannot look {node.type_name} up: no resolvable key"
        return f"no key of it can be had from here: {', '.join(keys)}"


def _route(parts: tuple[Part, ...], node: Node) -> str:
    if len(parts) > 1:
        return "in parts from " + " and ".join(dict.fromkeys(_route((part,), node) for part in parts))
    part = parts[0]
    if not isinstance(part, Enter):
        return node.subgraph
    return part.move.target.subgraph if part.move.is_root else _entity_route(part.move, _required(part))


def _entity_route(move: EntityMove, required: Selections) -> str:
    as_type = "" if move.representation_type == move.source.type_name else f" as {move.representation_type}"
    requires = f" requiring {field_set(required)}" if required else ""
    return f"{move.target.subgraph} by {field_set(move.key)}{as_type}{requires}"


def _required(part: Enter) -> Selections:
    return part.representation[len(part.move.key) :]


def _subgraphs(parts: tuple[Part, ...], node: Node) -> Iterator[str]:
    for part in parts:
        yield part.move.target.subgraph if isinstance(part, Enter) else node.subgraph


def field_set(selections: Selections) -> str:
    return "{ " + " ".join(map(_selection, selections)) + " }"


def _selection(selection: Selection) -> str:
    head = selection.name if isinstance(selection, Field) else f"... on {selection.type_condition}"
    return f"{head} {field_set(selection.selections)}" if selection.selections else head

"""The search: for every selection the cheapest way to get it.

In: a node of the query graph and selections. Out: a Solution (query tree). A field can be taken where one already
stands, or after an entity move; the key of the move and the `@requires` of the field are selections too and are
solved by the same search, which gives chains of keys and of requirements without special code. Composite fields that
no single subgraph can complete are split into their selections, each solved alone.

Solutions are kept per (node, selections). The search is bounded: each pair is solved once, choices are cut off by
`choose.py`, and more than `_LIMIT` looks at a field on a node, and at what is below it in one subgraph after the other,
raise PlanTooLargeError.
"""

from __future__ import annotations

from router.graph import FieldMove, Node, NodeKind, QueryGraph, Selections
from router.operation.model import Field, InlineFragment, Selection
from router.planner.choose import Allowance, choose
from router.planner.cost import below, levels, request, weight
from router.planner.decisions import Decisions
from router.planner.entries import Entries, Entry, Memory, Unfinished
from router.planner.errors import PlanTooLargeError
from router.planner.fragments import Guards, Unit, flatten, spread
from router.planner.lookups import LookupCounter, Option
from router.planner.query_tree import NOTHING, Enter, Narrow, Part, Solution, Take
from router.planner.split import Splitter

_LIMIT = 200_000  #: some seconds; seventy types over ten subgraphs need 60,000

Peers = tuple[Node, ...]


class Search:
    """Plans the selections of one operation. The memory is shared by all operations on the same query graph."""

    def __init__(self, graph: QueryGraph, memory: Memory, decisions: Decisions | None = None) -> None:
        """`decisions`, if given, are told what was chosen from what; a memory that knows answers already hides some."""
        self._graph = graph
        self._decisions = decisions
        self._count = len(graph.subgraphs)
        self._solutions: dict[tuple[int, ...], Solution | None] = {}
        self._splitter = Splitter()
        self._lookups = LookupCounter(self._count)
        self._unfinished = Unfinished()
        self._entries = Entries(graph, memory, self._unfinished)
        self._looks = 0
        self._allowance = Allowance()

    # --- selections on a node --------------------------------------------------------------------------------------

    def solve(self, node: Node, selections: Selections, peers: Peers = ()) -> Solution | None:
        """None when the selections cannot be had from here. `peers` are the nodes where the same object would stand had
        it been taken from another subgraph; they matter only to unions whose members differ between subgraphs."""
        key = (node.id, id(selections), *[peer.id for peer in peers])
        if key in self._solutions:
            return self._solutions[key]
        before = len(self._unfinished.cuts)
        solution = self._solve_units(node, [(s, ()) for s in selections], peers)
        if len(self._unfinished.cuts) == before or not self._unfinished:
            self._solutions[key] = solution
        return solution

    def solve_key(self, node: Node, key: Selections) -> Solution | None:
        """A field set, as entity moves need it. Not kept: what is known of the ways to it may still grow."""
        return self._solve_units(node, [(s, ()) for s in key])

    def entries(self, node: Node) -> dict[int, Entry]:
        """Target node id -> how to get there."""
        return self._entries.of(node, self.solve_key)

    def solve_field(self, node: Node, field: Field) -> Solution | None:
        """One field alone, as the root fields of a mutation are."""
        return self._solve_units(node, [(field, field.guards)])

    def _solve_units(self, node: Node, units: list[Unit], peers: Peers = ()) -> Solution | None:
        if node.kind is NodeKind.ABSTRACT:
            return self._solve_abstract(node, units, peers)
        fields = flatten(self._graph, node, units)
        all_options: list[list[Option]] = []
        for unit in fields:
            options = self._options(node, unit, peers)
            if not options:
                if self._decisions is not None:
                    self._decisions.add_dead_end(node, unit[0])
                return None
            all_options.append(options)
        if all(len(options) == 1 for options in all_options):
            indexes = [0] * len(all_options)
            picked = [options[0] for options in all_options]
        else:
            costs = [[cost for cost, _ in options] for options in all_options]
            indexes = choose(costs, self._count, self._allowance)
            picked = [options[i] for options, i in zip(all_options, indexes, strict=True)]
        if self._decisions is not None:
            self._decisions.add(node, fields, all_options, indexes)
        cost = 0
        parts: list[Part] = []
        for part_cost, taken in picked:
            cost |= part_cost
            parts.extend(taken)
        return Solution(cost, tuple(parts)) if parts else NOTHING

    # --- abstract nodes --------------------------------------------------------------------------------------------

    def _solve_abstract(self, node: Node, units: list[Unit], peers: Peers) -> Solution | None:
        possible = self._graph.shared_members(node, peers)
        parts: list[Part] = []
        cost = 0
        by_object: dict[str, list[Unit]] = {}
        for selection, guards in spread(self._graph, possible, units):
            if isinstance(selection, InlineFragment):
                matched = self._graph.object_types(selection.type_condition)
                for name in possible:
                    if name in matched:
                        by_object.setdefault(name, []).extend((s, guards) for s in selection.selections)
                continue
            option = self._direct(node, selection, guards)
            if option is None:
                if not node.possible:  # no object stands behind the interface here: nobody could be asked
                    if self._decisions is not None:
                        self._decisions.add_dead_end(node, selection)
                    return None
                for name in possible:
                    by_object.setdefault(name, []).append((selection, guards))
            else:
                cost |= option[0]
                parts.extend(option[1])
        for name in sorted(by_object):
            same = tuple(self._graph.downcast(peer, name) for peer in peers if name in peer.possible)
            child = self._solve_units(self._graph.downcast(node, name), by_object[name], same)
            if child is None:
                return None
            cost |= child.cost
            if child.parts:
                parts.append(Narrow(name, child))
        return Solution(cost, tuple(parts)) if parts else NOTHING

    def _direct(self, node: Node, field: Field, guards: Guards) -> Option | None:
        """The field taken on the abstract type itself. Not so when a subgraph could serve single types cheaper."""
        if field.name == "__typename":
            return 0, (Take(field, guards, None, None),)
        move = node.move(field.name)
        if move is None or not node.is_direct(field.name):
            return None
        option = self._take(move, field, guards)
        if option is None or option[0] == 0:
            return option
        cost = 0
        for name in node.possible:
            single = self._solve_units(self._graph.downcast(node, name), [(field, guards)])
            if single is None:
                return option
            cost |= single.cost
        return None if weight(cost, self._count) < weight(option[0], self._count) else option

    # --- options of one field --------------------------------------------------------------------------------------

    def _options(self, node: Node, unit: Unit, peers: Peers) -> list[Option]:
        self._look()
        selection, guards = unit
        if isinstance(selection, InlineFragment):
            return self._concrete_options(node, selection, guards)
        if selection.name == "__typename":
            if node.kind is NodeKind.INTERFACE_OBJECT:
                return self._concrete_options(node, selection, guards)
            return [(0, (Take(selection, guards, None, None),))]
        options: list[Option] = []
        move = node.move(selection.name)
        targets = self._targets(node, selection, peers) if self._graph.has_partial_unions else ()
        home_count = 0
        if move is not None and not move.requires and not move.context:
            home_count = 1
            option = self._take(move, selection, guards, targets)
            if option is not None:
                if option[0] == 0:
                    return [option]
                options.append(option)
        remote, remote_count = self._remote_options(node, selection, guards, targets)
        options.extend(remote)
        if selection.selections and home_count + remote_count > 1:
            split = self._split_option(node, selection, guards, options)
            if split is not None:
                options.append(split)
        return self._lookups.least_first(options)

    def _look(self) -> None:
        self._looks += 1
        if self._looks > _LIMIT:
            raise PlanTooLargeError(f"No plan was found within {_LIMIT} steps of search: select less at once.")

    def _targets(self, node: Node, field: Field, peers: Peers) -> Peers:
        """Where the field's object may stand: in every subgraph that could give the field at this place."""
        if not field.selections:
            return ()
        places = (node, *peers, *(entry.move.target for entry in self.entries(node).values()))
        moves = (place.move(field.name) for place in places)
        found = {move.target.id: move.target for move in moves if move is not None and move.target is not None}
        return tuple(found[number] for number in sorted(found))

    def _take(self, move: FieldMove, field: Field, guards: Guards, targets: Peers = ()) -> Option | None:
        if move.target is None:
            return 0, (Take(field, guards, move, None),)
        self._look()
        child = self.solve(move.target, field.selections, tuple(t for t in targets if t is not move.target))
        return None if child is None else (child.cost, (Take(field, guards, move, child),))

    def _remote_options(self, node: Node, field: Field, guards: Guards, targets: Peers) -> tuple[list[Option], int]:
        """The options behind entity moves, and how many subgraphs have the field at all."""
        options: list[Option] = []
        count = 0
        for entry, move in self._entries.to_field(node, field.name, self.solve_key):
            if move is None:
                child = self._solve_units(entry.move.target, [(field, guards)])
                option = None if child is None else self._enter(entry, entry.inputs, entry.move.key, child, guards)
                count += option is not None
            elif move.requires or move.context:
                option = self._required_option(node, entry, move, field, guards)
                count += option is not None
            else:
                taken = self._take(move, field, guards, targets)
                child = None if taken is None else Solution(*taken)
                option = None if child is None else self._enter(entry, entry.inputs, entry.move.key, child, guards)
                count += 1
            if option is not None:
                options.append(option)
        return options, count

    def _required_option(
        self, node: Node, entry: Entry, move: FieldMove, field: Field, guards: Guards
    ) -> Option | None:
        key = (node.id, id(move))
        if key in self._unfinished.requirements:
            self._unfinished.cut_requirement()
            return None
        self._unfinished.requirements.add(key)
        try:
            required = self.solve(node, move.requires)
        finally:
            self._unfinished.requirements.discard(key)
        taken = self._take(move, field, guards)
        if required is None or taken is None:
            return None
        inputs = Solution(entry.inputs.cost | required.cost, entry.inputs.parts + required.parts)
        representation = entry.move.key + move.requires
        contextual = move if move.context else None
        return self._enter(entry, inputs, representation, Solution(taken[0], taken[1]), guards, contextual)

    def _enter(
        self,
        entry: Entry,
        inputs: Solution,
        representation: Selections,
        child: Solution,
        guards: Guards,
        contextual: FieldMove | None = None,
    ) -> Option:
        level = levels(inputs.cost, self._count)
        cost = inputs.cost | request(entry.move.target.subgraph_index, level, self._count)
        cost |= below(child.cost, level + 1, self._count)
        return cost, (Enter(entry.move, inputs, representation, child, guards, contextual),)

    def _concrete_options(self, node: Node, selection: Selection, guards: Guards) -> list[Option]:
        """What needs the concrete type of an interface object: asked where the interface is a real one."""
        options: list[Option] = []
        for entry in self.entries(node).values():
            if entry.move.target.kind is NodeKind.ABSTRACT:
                child = self._solve_units(entry.move.target, [(selection, guards)])
                if child is not None:
                    options.append(self._enter(entry, entry.inputs, entry.move.key, child, guards))
        return options

    # --- splitting -------------------------------------------------------------------------------------------------

    def _split_option(self, node: Node, field: Field, guards: Guards, options: list[Option]) -> Option | None:
        """The field taken from several subgraphs, each with a part of its selections. Only where no single subgraph
        can complete it, or at the price of fewer fetches: lists would be fetched twice."""
        if node.kind is NodeKind.ROOT and not self._graph.is_query_root(node):
            return None  # a mutation runs once
        best = min((cost.bit_count() for cost, _ in options), default=None)
        least = 2 if node.kind is NodeKind.ROOT else 1  #: requests to get parts from several subgraphs
        if best is not None and best <= least:
            return None
        pieces = self._splitter.split(field)
        if len(pieces) < 2:
            return None
        solution = self._solve_units(node, [(piece, guards) for piece in pieces])
        if solution is None or (best is not None and solution.cost.bit_count() >= best):
            return None
        return solution.cost, solution.parts

    def downcast(self, node: Node, type_name: str) -> Node:
        """The node as one of its object types; an object node is that itself."""
        return self._graph.downcast(node, type_name) if node.kind is NodeKind.ABSTRACT else node

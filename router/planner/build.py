"""Query tree in, fetch graph out.

Walks the solution and lets every part find its fetch: the one it stands in, or the one an entity move leads to. Moves
from one place to one subgraph share a fetch if they can be made in the same round trip and their representations do not
exclude each other. Sharing at once, and not by a pass over the finished graph, keeps the walk short: an interface with
seventy types over ten subgraphs would otherwise have a step for every way of getting to each type.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.graph import Node, NodeKind
from router.planner.fetch_graph import FetchGraph, Guards, Step
from router.planner.place import Place
from router.planner.query_tree import Enter, Narrow, Part, Solution, Take
from router.planner.representation import RepresentationTree
from router.planner.selection_tree import SelectionTree


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where the walk stands: a place in the response, and the fetch and selections it is in."""

    place: Place
    step: Step
    tree: SelectionTree
    narrowed_to: str | None = None  #: the object type, where the place itself may hold several
    needs_typename: bool = True  #: representations made here have to ask for `__typename`


class FetchGraphBuilder:
    def __init__(self, root: Place) -> None:
        self.graph = FetchGraph()
        self._root = root
        self._root_steps: dict[tuple[Place, int, frozenset[int]], Step] = {}
        self._entity_steps: dict[tuple[Place, int, int, Guards, bool], list[Step]] = {}
        self._shared_trees: dict[tuple[int, Place, int], SelectionTree] = {}
        #: with the solution, which must live as long as its identity is a key
        self._walked: dict[tuple[object, ...], tuple[Solution, set[int]]] = {}

    def add_root(self, part: Part, parents: frozenset[int]) -> Step:
        """Adds what was planned on the root node; returns the root fetch. Root fetches with the same parents and
        subgraph are one."""
        if not isinstance(part, Enter):
            raise TypeError("the root node has no fields of its own")
        target = part.move.target
        step = self._root_step(self._root, target.subgraph, target.subgraph_index, parents)
        self._walk(part.child, _Spot(self._root, step, step.tree), is_hidden=False)
        return step

    def _root_step(self, place: Place, subgraph: str, index: int, parents: frozenset[int]) -> Step:
        key = (place, index, parents)
        step = self._root_steps.get(key)
        if step is None:
            step = self._root_steps[key] = self.graph.add(subgraph, index, place, parents, is_root=True)
        return step

    def _walk(self, solution: Solution, spot: _Spot, *, is_hidden: bool, guards: Guards = ()) -> set[int]:
        """Returns the ids of the steps that bring something of it. The same solution may be met again at the same spot,
        once for each type of an interface: it is walked once."""
        key = (id(solution), id(spot.tree), spot.step.id, spot.place, spot.narrowed_to, is_hidden, guards)
        walked = self._walked.get(key)
        if walked is not None:
            return walked[1]
        suppliers: set[int] = set()
        self._walked[key] = (solution, suppliers)
        for part in solution.parts:
            match part:
                case Take():
                    suppliers |= self._take(part, spot, is_hidden, guards)
                case Narrow():
                    suppliers |= self._narrow(part, spot, is_hidden, guards)
                case Enter():
                    suppliers |= self._enter(part, spot, is_hidden, guards)
        return suppliers

    def _take(self, part: Take, spot: _Spot, is_hidden: bool, guards: Guards) -> set[int]:
        field, move = part.field, part.move
        if is_hidden:
            if field.name == "__typename":
                spot.tree.has_typename = True
                return {spot.step.id}
            key, field_guards = spot.place.keys.key_for(field), guards
        else:
            key, field_guards = field.response_key, part.guards
        if move is None:
            spot.tree.add(key, field, field_guards, "String!", 0, None)
            return {spot.step.id}
        if move.target is None or part.child is None:
            spot.tree.add(key, field, field_guards, move.type, move.list_depth, None)
            return {spot.step.id}
        suppliers = {spot.step.id}
        parent_type = field.parent_type if spot.narrowed_to else None
        place = spot.place.child(parent_type, key, move.list_depth, move.target.type_name)
        is_spread = spot.narrowed_to is not None and parent_type != spot.narrowed_to
        new_tree = self._shared_tree(spot.step, place, move.target) if is_spread else SelectionTree()
        selected = spot.tree.add(key, field, field_guards, move.type, move.list_depth, new_tree)
        if selected.tree is not None:
            is_abstract = move.target.kind is NodeKind.ABSTRACT
            if is_abstract:
                selected.tree.has_typename = True
            below = _Spot(
                place, spot.step, selected.tree,
                needs_typename=not is_abstract and move.target.kind is not NodeKind.INTERFACE_OBJECT,
            )  # fmt: skip
            suppliers |= self._walk(part.child, below, is_hidden=is_hidden)
        return suppliers

    def _shared_tree(self, step: Step, place: Place, target: Node) -> SelectionTree:
        """One tree for all types of an abstract position on which the same field was selected."""
        key = (step.id, place, target.id)
        tree = self._shared_trees.get(key)
        if tree is None:
            tree = self._shared_trees[key] = SelectionTree()
        elif tree.shared is None:
            tree.shared = target.type_name
        return tree

    def _narrow(self, part: Narrow, spot: _Spot, is_hidden: bool, guards: Guards) -> set[int]:
        tree = spot.tree.fragment(part.type_name)
        narrowed = _Spot(spot.place, spot.step, tree, part.type_name, needs_typename=False)
        return self._walk(part.child, narrowed, is_hidden=is_hidden, guards=guards)

    def _enter(self, part: Enter, spot: _Spot, is_hidden: bool, guards: Guards) -> set[int]:
        move = part.move
        target = move.target
        if move.is_root:
            parents = frozenset((spot.step.id,))
            step = self._root_step(spot.place, target.subgraph, target.subgraph_index, parents)
            below = _Spot(spot.place, step, step.tree, spot.narrowed_to)
            return self._walk(part.child, below, is_hidden=is_hidden, guards=guards) | {step.id}
        if spot.needs_typename:
            spot.tree.has_typename = True
        is_guarded = part.inputs.cost != 0
        input_guards = (guards if is_hidden else part.guards) if is_guarded else ()
        suppliers = {spot.step.id} | self._walk(part.inputs, spot, is_hidden=True, guards=input_guards)
        step = self._entity_step(part, spot, frozenset(suppliers), input_guards)
        tree = step.tree.fragment(target.type_name)
        is_abstract = target.kind is NodeKind.ABSTRACT
        if is_abstract:
            tree.has_typename = True
        below = _Spot(spot.place, step, tree, spot.narrowed_to, needs_typename=False)
        return self._walk(part.child, below, is_hidden=is_hidden, guards=guards) | {step.id}

    def _entity_step(self, part: Enter, spot: _Spot, parents: frozenset[int], input_guards: Guards) -> Step:
        move = part.move
        source = move.source.type_name
        typename = move.representation_type if move.representation_type != source else None
        is_anonymous = move.source.kind is NodeKind.INTERFACE_OBJECT
        tree = RepresentationTree()
        tree.fields["__typename"] = ("__typename", None)
        tree.add(part.representation, spot.place.keys)
        index = move.target.subgraph_index
        depth = self.graph.depth_below(parents)
        shared = self._entity_steps.setdefault((spot.place, index, depth, input_guards, is_anonymous), [])
        step = next((s for s in shared if s.accepts(source, typename, tree)), None)
        if step is not None:
            step.parents |= parents
        else:
            step = self.graph.add(move.target.subgraph, index, spot.place, parents, is_root=False)
            step.input_guards = input_guards
            step.is_anonymous = is_anonymous
            shared.append(step)
        step.add_input(source, typename, tree)
        return step


def entered_subgraph(part: Part) -> str:
    """The subgraph a part of the root's solution goes to."""
    if not isinstance(part, Enter):
        raise TypeError("the root node has no fields of its own")
    return part.move.target.subgraph

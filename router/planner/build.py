"""Query tree in, fetch graph out.

Walks the solution and lets every part find its fetch: the one it stands in, or the one an entity move leads to. Moves
from one place to one subgraph share a fetch if they can be made in the same round trip and their representations do not
exclude each other. Sharing at once, and not by a pass over the finished graph, keeps the walk short: an interface with
seventy types over ten subgraphs would otherwise have a step for every way of getting to each type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graphql import NameNode, VariableNode

from router.graph import ContextNeed, FieldMove, Node, NodeKind
from router.operation.model import Argument, Guard
from router.plan.nodes import ContextRewrite
from router.plan.text import print_path
from router.planner.context import context_rewrites
from router.planner.errors import PlanningError
from router.planner.fetch_graph import FetchGraph, Step
from router.planner.fragments import Guards, join_guards
from router.planner.place import Place
from router.planner.query_tree import Enter, Narrow, Part, Solution, Take
from router.planner.record import record
from router.planner.representation import RepresentationTree
from router.planner.search import Search
from router.planner.selection_tree import SelectionTree


@record
class _Spot:
    """Where the walk stands: a place in the response, and the fetch and selections it is in."""

    place: Place
    step: Step
    tree: SelectionTree
    origin: int  #: the step that brings the objects themselves; `step` may have been entered with them
    narrowed_to: str | None = None  #: the object type, where the place itself may hold several
    needs_typename: bool = True  #: representations made here have to ask for `__typename`
    node: Node | None = None
    parent: _Spot | None = None  #: the object above
    guards: frozenset[Guard] = frozenset()  #: conditions under which the object is there, with what is selected here
    #: those of them that fields selected here must repeat: the fetch was entered with objects that are there without
    entry_guards: Guards = ()


class FetchGraphBuilder:
    def __init__(self, root: Place, search: Search) -> None:
        self.graph = FetchGraph()
        self._search = search
        self._context_arguments: dict[tuple[int, FieldMove], tuple[Argument, ...]] = {}
        self._root = root
        self._root_steps: dict[tuple[Place, str, frozenset[int]], Step] = {}
        self._entity_steps: dict[tuple[Place, str, int, Guards, bool], list[Step]] = {}
        self._shared_trees: dict[tuple[int, Place, int, frozenset[Guard]], SelectionTree] = {}
        #: with the solution, which must live as long as its identity is a key
        self._walked: dict[tuple[object, ...], tuple[Solution, set[int]]] = {}

    def add_root(self, part: Part, parents: frozenset[int]) -> Step:
        """Adds what was planned on the root node; returns the root fetch. Root fetches with the same parents and
        subgraph are one."""
        if not isinstance(part, Enter):
            raise TypeError("the root node has no fields of its own")
        target = part.move.target
        step = self._root_step(self._root, target.subgraph, parents)
        self._walk(part.child, _Spot(self._root, step, step.tree, step.id, node=target), is_hidden=False)
        return step

    def _root_step(self, place: Place, subgraph: str, parents: frozenset[int]) -> Step:
        key = (place, subgraph, parents)
        step = self._root_steps.get(key)
        if step is None:
            step = self._root_steps[key] = self.graph.add(subgraph, place, parents, is_root=True)
        return step

    def _walk(self, solution: Solution, spot: _Spot, *, is_hidden: bool, guards: Guards = ()) -> set[int]:
        """Returns the ids of the steps that bring something of it. The same solution may be met again at the same spot,
        once for each type of an interface: it is walked once."""
        key = (
            id(solution), id(spot.tree), spot.step.id, spot.origin, spot.place, spot.narrowed_to, is_hidden, guards,
            spot.entry_guards,
        )  # fmt: skip
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
            key, field_guards = spot.place.keys.key_for(field), join_guards(guards, spot.entry_guards)
        else:
            key, field_guards = field.response_key, join_guards(part.guards, spot.entry_guards)
        if move is not None and move.context:
            arguments = self._context_arguments[spot.step.id, move]
            field = replace(field, arguments=(*field.arguments, *arguments))
        if move is None:
            spot.tree.add(key, field, field_guards, "String!", 0, None)
            return {spot.step.id}
        if move.target is None or part.child is None:
            spot.tree.add(key, field, field_guards, move.type, move.list_depth, None)
            return {spot.step.id}
        suppliers = {spot.step.id}
        parent_type = field.parent_type if spot.narrowed_to else None
        place = spot.place.child(parent_type, key, move.list_depth, move.target.type_name)
        is_spread = parent_type != spot.narrowed_to
        all_guards = spot.guards | frozenset(field_guards)
        selected = spot.tree.add(key, field, field_guards, move.type, move.list_depth, SelectionTree())
        tree = selected.tree
        if tree is not None:
            if is_spread:
                shared = self._shared_tree(spot.step, place, move.target, all_guards)
                tree.spread(shared)
                tree = shared
            is_abstract = move.target.kind is NodeKind.ABSTRACT
            if is_abstract or move.is_narrower:
                tree.has_typename = True
            below = _Spot(
                place, spot.step, tree, spot.step.id,
                needs_typename=not is_abstract and move.target.kind is not NodeKind.INTERFACE_OBJECT,
                node=move.target, parent=spot, guards=all_guards,
            )  # fmt: skip
            suppliers |= self._walk(part.child, below, is_hidden=is_hidden)
        return suppliers

    def _shared_tree(self, step: Step, place: Place, target: Node, guards: frozenset[Guard]) -> SelectionTree:
        """One tree for all types of an abstract position on which the same field was selected under the same guards."""
        key = (step.id, place, target.id, guards)
        tree = self._shared_trees.get(key)
        if tree is None:
            tree = self._shared_trees[key] = SelectionTree()
        else:
            tree.shared = target.type_name
        return tree

    def _narrow(self, part: Narrow, spot: _Spot, is_hidden: bool, guards: Guards) -> set[int]:
        tree = spot.tree.fragment(part.type_name)
        narrowed = _Spot(
            spot.place, spot.step, tree, spot.origin, part.type_name, False, spot.node, spot.parent, spot.guards,
            spot.entry_guards,
        )  # fmt: skip
        return self._walk(part.child, narrowed, is_hidden=is_hidden, guards=guards)

    def _enter(self, part: Enter, spot: _Spot, is_hidden: bool, guards: Guards) -> set[int]:
        move = part.move
        target = move.target
        if move.is_root:
            parents = frozenset((spot.step.id,))
            step = self._root_step(spot.place, target.subgraph, parents)
            below = _Spot(
                spot.place, step, step.tree, step.id, spot.narrowed_to,
                node=target, parent=spot.parent, guards=spot.guards, entry_guards=_entry_guards(spot),
            )  # fmt: skip
            return self._walk(part.child, below, is_hidden=is_hidden, guards=guards) | {step.id}
        if spot.needs_typename:
            spot.tree.has_typename = True
        is_guarded = part.inputs.cost != 0
        input_guards = (guards if is_hidden else part.guards) if is_guarded else ()
        suppliers = {spot.step.id} | self._walk(part.inputs, spot, is_hidden=True, guards=input_guards)
        if part.contextual is None:
            step = self._entity_step(part, spot, frozenset(suppliers), input_guards)
        else:
            step = self._context_step(part, part.contextual, spot, suppliers, input_guards)
        tree = step.tree.fragment(target.type_name)
        is_abstract = target.kind is NodeKind.ABSTRACT
        if is_abstract:
            tree.has_typename = True
        below = _Spot(
            spot.place, step, tree, spot.origin, spot.narrowed_to, False, target, spot.parent, spot.guards,
            _entry_guards(spot),
        )  # fmt: skip
        return self._walk(part.child, below, is_hidden=is_hidden, guards=guards) | {step.id}

    def _context_step(
        self, part: Enter, move: FieldMove, spot: _Spot, suppliers: set[int], input_guards: Guards
    ) -> Step:
        """A fetch of its own: other fields of the objects may be wanted without the context."""
        rewrites: list[ContextRewrite] = []
        types: dict[str, str] = {}
        arguments: list[Argument] = []
        for number, need in enumerate(move.context):
            variable = f"_context_{number}"
            found = list(self._context_values(need, variable, spot, suppliers))
            if not found:
                raise PlanningError(
                    f'No object above "{print_path(spot.place.path)}" sets the context of "{move.name}".'
                )
            rewrites.extend(found)
            types[variable] = need.type
            arguments.append(Argument(need.argument, VariableNode(name=NameNode(value=variable))))
        step = self._entity_step(part, spot, frozenset(suppliers), input_guards, is_shared=False)
        step.context_rewrites, step.context_types = rewrites, types
        self._context_arguments[step.id, move] = tuple(arguments)
        return step

    def _context_values(
        self, need: ContextNeed, variable: str, spot: _Spot, suppliers: set[int]
    ) -> Iterator[ContextRewrite]:
        """Asks the nearest ancestor that sets the context for the value, type by type."""
        ancestor, up = spot.parent, 1
        while ancestor is not None and ancestor.node is not None:
            node = ancestor.node
            possible = (ancestor.narrowed_to,) if ancestor.narrowed_to else node.possible or (node.type_name,)
            offers = [(name, selections) for name, selections in need.selections if name in possible]
            for name, selections in offers:
                is_narrowing = node.kind is NodeKind.ABSTRACT and not ancestor.narrowed_to
                own = self._search.downcast(node, name)
                solution = self._search.solve(own, selections)
                if solution is None:
                    raise PlanningError(f'The context of "{name}" cannot be fetched from "{node.subgraph}".')
                tree = ancestor.tree.fragment(name) if is_narrowing else ancestor.tree
                place = _Spot(
                    ancestor.place, ancestor.step, tree, ancestor.origin,
                    name if is_narrowing else ancestor.narrowed_to,
                    ancestor.needs_typename and not is_narrowing, own, ancestor.parent, ancestor.guards,
                )  # fmt: skip
                suppliers |= self._walk(solution, place, is_hidden=True)
                yield from context_rewrites(variable, up, name, selections, ancestor.place.keys)
            if offers:
                return
            ancestor, up = ancestor.parent, up + 1

    def _entity_step(
        self, part: Enter, spot: _Spot, parents: frozenset[int], input_guards: Guards, *, is_shared: bool = True
    ) -> Step:
        move = part.move
        source = move.source.type_name
        typename = move.representation_type if move.representation_type != source else None
        is_anonymous = move.source.kind is NodeKind.INTERFACE_OBJECT  # its concrete type is not known
        tree = RepresentationTree()
        tree.fields["__typename"] = ("__typename", None)
        tree.add(part.representation, spot.place.keys)
        subgraph = move.target.subgraph
        key = (spot.place, subgraph, self.graph.depth_below(parents), input_guards, is_anonymous)
        shared = self._entity_steps.setdefault(key, []) if is_shared else []
        has_requirements = len(part.representation) > len(move.key)
        step = next(
            (
                s
                for s in shared
                if s.can_share(spot.guards, has_requirements)
                and s.accepts(source, typename, tree, spot.origin, has_requirements)
            ),
            None,
        )
        if step is not None:
            step.parents |= parents
        else:
            step = self.graph.add(subgraph, spot.place, parents, is_root=False)
            shared.append(step)
        step.add_input(source, typename, tree, spot.origin)
        step.source_guards.add(spot.guards)
        if has_requirements:
            step.requirement_guards.add(spot.guards)
        return step


def _entry_guards(spot: _Spot) -> Guards:
    """A fetch is entered with all objects at a place. Where they are there under other guards as well, be it that the
    client selected them twice or that something requires them, what is fetched for the sake of one selection must not
    be asked for when only another holds."""
    return tuple(sorted(spot.guards, key=lambda guard: (guard.variable, guard.expected)))


def entered_subgraph(part: Part) -> str:
    """The subgraph a part of the root's solution goes to."""
    if not isinstance(part, Enter):
        raise TypeError("the root node has no fields of its own")
    return part.move.target.subgraph

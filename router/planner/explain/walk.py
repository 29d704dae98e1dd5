"""Walks over a solution and explains every decision in it."""

from __future__ import annotations

from collections.abc import Iterator

from router.graph import Node, QueryGraph
from router.operation.model import Field, Operation, Selection
from router.plan.nodes import EachItem, FlattenPath, Key, OnTypes
from router.plan.text import print_path
from router.planner.decisions import Decision, Decisions
from router.planner.entries import Memory
from router.planner.errors import PlanningError, PlanTooLargeError
from router.planner.explain.candidates import CandidateFinder, field_set
from router.planner.explain.explanation import Choice
from router.planner.query_tree import Enter, Narrow, Part, Solution, Take
from router.planner.roots import solve_operation
from router.planner.search import Search

_SELECTED = "selected"


def explain_choices(graph: QueryGraph, operation: Operation) -> tuple[Choice, ...]:
    """The choices of the plan, or the dead ends when there is none. Raises PlanTooLargeError."""
    decisions = Decisions()
    search = Search(graph, Memory(graph), decisions)
    walk = _Walk(decisions, CandidateFinder(graph, search))
    try:
        solutions = solve_operation(search, graph, operation)
    except PlanTooLargeError:
        raise
    except PlanningError:
        return tuple(walk.dead_ends(operation))
    root = graph.root(operation.kind.value)
    return tuple(choice for solution in solutions for choice in walk.solution(solution, root, (), _SELECTED))


class _Walk:
    def __init__(self, decisions: Decisions, finder: CandidateFinder) -> None:
        self._decisions = decisions
        self._finder = finder
        self._walked: set[int] = set()  #: solutions; one may stand at many places, and is explained at the first
        self._explained: set[int] = set()  #: decisions

    def solution(self, solution: Solution, node: Node, path: FlattenPath, purpose: str) -> Iterator[Choice]:
        if id(solution) not in self._walked:
            self._walked.add(id(solution))
            yield from self._parts(solution, node, path, purpose, is_explained=False)

    def _parts(
        self, solution: Solution, node: Node, path: FlattenPath, purpose: str, *, is_explained: bool
    ) -> Iterator[Choice]:
        """`is_explained`: the fields right here are those for whose sake the subgraph was entered."""
        for part in solution.parts:
            decisions = [d for d in reversed(self._decisions.of(part)) if id(d) not in self._explained]
            for decision in decisions:
                self._explained.add(id(decision))
                yield self._choice(decision, path, purpose)
            is_known = is_explained or bool(self._decisions.of(part))
            yield from self._part(part, node, path, purpose, is_explained=is_known)

    def _part(self, part: Part, node: Node, path: FlattenPath, purpose: str, *, is_explained: bool) -> Iterator[Choice]:
        match part:
            case Take():
                if not is_explained and part.move is not None:
                    why = "all its types have it here"
                    candidate = self._finder.alone(node.subgraph, part.child.cost if part.child else 0, why)
                    yield Choice(*_where(part.field, node, path), purpose, (candidate,))
                if part.child is not None and part.move is not None and part.move.target is not None:
                    below = (*_at(path, part.field), *([EachItem()] * part.move.list_depth))
                    yield from self.solution(part.child, part.move.target, below, purpose)
            case Narrow():
                yield from self.solution(part.child, node, (*path, OnTypes((part.type_name,))), purpose)
            case Enter():
                if part.inputs.cost:
                    yield from self.solution(part.inputs, node, path, _purpose(part))
                yield from self._parts(part.child, part.move.target, path, purpose, is_explained=True)

    def _choice(self, decision: Decision, path: FlattenPath, purpose: str) -> Choice:
        return Choice(*_where(decision.selection, decision.node, path), purpose, self._finder.weighed(decision))

    def dead_ends(self, operation: Operation) -> Iterator[Choice]:
        """Only fields of the operation: a key that cannot be had is named beside the field it would have led to."""
        paths = dict(_paths(operation.selections, ()))
        met: set[tuple[int, int]] = set()
        for node, field in self._decisions.dead_ends:
            key, path = (id(field), node.id), paths.get(id(field))
            if path is not None and key not in met:
                met.add(key)
                yield Choice(*_where(field, node, path[:-1]), _SELECTED, self._finder.unusable(node, field))


def _where(selection: Selection, node: Node, path: FlattenPath) -> tuple[str, str, str | None]:
    name = selection.name if isinstance(selection, Field) else f"... on {selection.type_condition}"
    return print_path(_at(path, selection)), f"{node.type_name}.{name}", node.subgraph or None


def _at(path: FlattenPath, selection: Selection) -> FlattenPath:
    return (*path, Key(selection.response_key)) if isinstance(selection, Field) else path


def _purpose(part: Enter) -> str:
    required = part.representation[len(part.move.key) :]
    needs = field_set(part.move.key) if not required else field_set(part.representation)
    return f"for {needs} of {part.move.target.subgraph}"


def _paths(selections: tuple[Selection, ...], path: FlattenPath) -> Iterator[tuple[int, FlattenPath]]:
    for selection in selections:
        own = _at(path, selection)
        if isinstance(selection, Field):
            yield id(selection), own
        yield from _paths(selection.selections, own)

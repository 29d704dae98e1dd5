"""Where an operation starts: its root fields, solved together for a query, one after the other otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from router.graph import QueryGraph, Selections
from router.operation.model import Field, Guard, InlineFragment, Operation, OperationKind, Selection
from router.planner.errors import PlanningError
from router.planner.query_tree import Solution
from router.planner.search import Search


def solve_operation(search: Search, graph: QueryGraph, operation: Operation) -> list[Solution]:
    """Standing on the root node: one solution for a query, else one for each root field. Raises PlanningError."""
    root = graph.root(operation.kind.value)
    selections = _without_introspection(operation.selections)
    if operation.kind is OperationKind.QUERY:
        found = [search.solve(root, selections)]
    else:
        found = [search.solve_field(root, field) for field in _root_fields(selections, ())]
    solutions = [solution for solution in found if solution is not None]
    if len(solutions) < len(found):
        raise PlanningError(
            f"No subgraph, and no way between subgraphs, gives all that the {operation.kind.value}"
            f' "{operation.name or "(unnamed)"}" selects. The supergraph was not checked for satisfiability.'
        )
    return solutions


def _without_introspection(selections: Selections) -> Selections:
    """Root `__typename`, `__schema` and `__type` are answered by the executor."""
    kept: list[Selection] = []
    for selection in selections:
        if isinstance(selection, InlineFragment):
            inner = _without_introspection(selection.selections)
            if inner:
                kept.append(replace(selection, selections=inner))
        elif not selection.name.startswith("__"):
            kept.append(selection)
    return tuple(kept)


def _root_fields(selections: Selections, guards: tuple[Guard, ...]) -> Iterator[Field]:
    for selection in selections:
        joined = (*guards, *(g for g in selection.guards if g not in guards))
        if isinstance(selection, InlineFragment):
            yield from _root_fields(selection.selections, joined)
        else:
            yield replace(selection, guards=joined)

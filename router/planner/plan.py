"""An operation and a query graph in, a query plan out.

    search        for every selection the cheapest way to get it      -> query tree
    build         which fetch brings what, and what it needs          -> fetch graph
    optimize      merge, alias, hoist: one pass a file                -> fetch graph
    assemble      documents, numbers, round trips                     -> plan nodes

Raises PlanningError when the supergraph cannot answer the operation. Deterministic: the same inputs give the same
plan, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import RLock

from router.graph import QueryGraph, Selections, build_query_graph
from router.operation.model import Field, Guard, InlineFragment, Operation, OperationKind, Selection
from router.plan.nodes import QueryPlan
from router.planner.arguments import ArgumentPrinter
from router.planner.assemble import assemble
from router.planner.build import FetchGraphBuilder, entered_subgraph
from router.planner.document import DocumentWriter
from router.planner.entries import Memory
from router.planner.errors import PlanningError
from router.planner.fetch_graph import FetchGraph
from router.planner.optimize import PASSES
from router.planner.place import KeySpace, Place
from router.planner.search import Search
from router.supergraph import Supergraph

_LABEL_SETS = 64


class Planner:
    """Plans operations on one supergraph. Keeps one query graph for every set of override labels it meets, at most
    64. Safe to be called from several threads; plans are made one at a time."""

    def __init__(self, supergraph: Supergraph) -> None:
        """Raises InvalidSupergraphError for a supergraph whose field sets cannot be read."""
        self._supergraph = supergraph
        self._graph = build_query_graph(supergraph)
        self._memories: dict[frozenset[str], Memory] = {}
        self._lock = RLock()

    def plan(self, operation: Operation, labels: frozenset[str] = frozenset()) -> QueryPlan:
        """`labels` are the override labels that are on for this request; unknown ones are ignored."""
        with self._lock:
            memory = self._memory(labels & self._supergraph.labels)
            return plan_operation(memory.graph, operation, memory)

    def _memory(self, labels: frozenset[str]) -> Memory:
        memory = self._memories.get(labels)
        if memory is None:
            if len(self._memories) >= _LABEL_SETS:
                self._memories.pop(next(iter(self._memories)))
            memory = self._memories[labels] = Memory(build_query_graph(self._supergraph, labels, self._graph))
        return memory


def plan_operation(graph: QueryGraph, operation: Operation, memory: Memory | None = None) -> QueryPlan:
    """`memory` saves work between plans on the same graph."""
    printer = ArgumentPrinter()
    fetches = _build(graph, operation, memory or Memory(graph), printer)
    for optimize in PASSES:
        optimize(fetches)
    return assemble(fetches, operation, DocumentWriter(operation.variables, printer))


def _build(graph: QueryGraph, operation: Operation, memory: Memory, printer: ArgumentPrinter) -> FetchGraph:
    keys = KeySpace(printer)
    keys.claim(operation.selections)
    search = Search(graph, memory)
    builder = FetchGraphBuilder(Place((), keys, operation.root_type), search)
    root = graph.root(operation.kind.value)
    selections = _without_introspection(operation.selections)
    if operation.kind is OperationKind.QUERY:
        solution = search.solve(root, selections)
        if solution is None:
            raise PlanningError(_unplannable(operation))
        for part in solution.parts:
            builder.add_root(part, frozenset())
    else:
        _build_serially(builder, search, graph, operation, selections)
    return builder.graph


def _build_serially(
    builder: FetchGraphBuilder,
    search: Search,
    graph: QueryGraph,
    operation: Operation,
    selections: Selections,
) -> None:
    """Root fields one after the other; neighbours in one subgraph share a request, which keeps their order."""
    root = graph.root(operation.kind.value)
    parents: frozenset[int] = frozenset()
    subgraph: str | None = None
    for field in _root_fields(selections, ()):
        solution = search.solve_field(root, field)
        if solution is None:
            raise PlanningError(_unplannable(operation))
        for part in solution.parts:
            target = entered_subgraph(part)
            if subgraph is not None and target != subgraph:
                parents = frozenset(builder.graph.steps)
            subgraph = target
            builder.add_root(part, parents).kind = operation.kind


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


def _unplannable(operation: Operation) -> str:
    return (
        f"No subgraph, and no way between subgraphs, gives all that the {operation.kind.value}"
        f' "{operation.name or "(unnamed)"}" selects. The supergraph was not checked for satisfiability.'
    )

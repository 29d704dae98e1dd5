"""An operation and a query graph in, a query plan out.

    roots         introspection left out, root fields in order        -> selections on the root node
    search        for every selection the cheapest way to get it      -> query tree
    build         which fetch brings what, and what it needs          -> fetch graph
    optimize      join, alias, lift, hoist: one pass a file           -> fetch graph
    assemble      documents, numbers, round trips                     -> plan nodes

Raises PlanningError when the supergraph cannot answer the operation. Deterministic: the same inputs give the same
plan, to the letter.
"""

from __future__ import annotations

from threading import RLock

from common.collector import collection_paused
from router.graph import QueryGraph, build_query_graph
from router.operation.model import Operation, OperationKind
from router.plan.nodes import QueryPlan
from router.planner.arguments import ArgumentPrinter
from router.planner.assemble import assemble
from router.planner.build import FetchGraphBuilder, entered_subgraph
from router.planner.document import DocumentWriter
from router.planner.entries import Memory
from router.planner.errors import PlanningError, PlanTooLargeError
from router.planner.explain import Explanation, explain_choices
from router.planner.fetch_graph import FetchGraph
from router.planner.optimize import PASSES
from router.planner.place import KeySpace, Place
from router.planner.query_tree import Part
from router.planner.roots import solve_operation
from router.planner.search import Search
from router.supergraph import Supergraph

_LABEL_SETS = 64


class Planner:
    """Plans operations on one supergraph. Keeps one query graph for every set of override labels it meets, at most
    64; only the one without labels is there from the start. Safe to be called from several threads; plans are made one
    at a time."""

    def __init__(self, supergraph: Supergraph) -> None:
        """Raises InvalidSupergraphError for a supergraph whose field sets cannot be read."""
        self._supergraph = supergraph
        self._graph = build_query_graph(supergraph)
        self._graph.explore()
        self._memories: dict[frozenset[str], Memory] = {}
        self._lock = RLock()

    def plan(self, operation: Operation, labels: frozenset[str] = frozenset()) -> QueryPlan:
        """`labels` are the override labels that are on for this request; unknown ones are ignored."""
        with self._lock, collection_paused():
            memory = self._memory(labels & self._supergraph.labels)
            return plan_operation(memory.graph, operation, memory)

    def explain(self, operation: Operation, labels: frozenset[str] = frozenset()) -> Explanation:
        """What the plan was chosen from, or where it fails. Raises PlanTooLargeError. Plans anew, with a record."""
        with self._lock:
            graph = self._memory(labels & self._supergraph.labels).graph
            try:
                plan = plan_operation(graph, operation)
            except PlanTooLargeError:
                raise
            except PlanningError:
                plan = None
            return Explanation(explain_choices(graph, operation), plan)

    def _memory(self, labels: frozenset[str]) -> Memory:
        memory = self._memories.get(labels)
        if memory is None:
            if len(self._memories) >= _LABEL_SETS:
                self._memories.pop(next(iter(self._memories)))
            graph = build_query_graph(self._supergraph, labels, self._graph) if labels else self._graph
            memory = self._memories[labels] = Memory(graph)
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
    parts = [part for solution in solve_operation(search, graph, operation) for part in solution.parts]
    if operation.kind is OperationKind.QUERY:
        for part in parts:
            builder.add_root(part, frozenset())
    else:
        _build_serially(builder, operation, parts)
    return builder.graph


def _build_serially(builder: FetchGraphBuilder, operation: Operation, parts: list[Part]) -> None:
    """Root fields one after the other; neighbours in one subgraph share a request, which keeps their order."""
    parents: frozenset[int] = frozenset()
    subgraph: str | None = None
    for part in parts:
        target = entered_subgraph(part)
        if subgraph is not None and target != subgraph:
            parents = frozenset(step.id for step in builder.graph.steps)
        subgraph = target
        builder.add_root(part, parents).kind = operation.kind

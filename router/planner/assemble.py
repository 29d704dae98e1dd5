"""Fetch graph in, plan nodes out.

Steps are numbered in the order in which they can run, and lookups of one subgraph in one round trip become a
BatchFetch. The tree of Sequence and Parallel shows round trips; what may start when is said by `depends_on`.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass

from router.operation.model import Guard, Operation, OperationKind
from router.plan.nodes import (
    BatchFetch,
    Condition,
    EntityBatch,
    Fetch,
    Flatten,
    FlattenPath,
    Key,
    OnTypes,
    Parallel,
    PlanNode,
    QueryPlan,
    RequiredFragment,
    RequiredSelection,
    Rewrite,
    Sequence,
    SetValue,
    Subscription,
)
from router.planner.document import DocumentWriter
from router.planner.fetch_graph import FetchGraph, Step


@dataclass(slots=True)
class _Request:
    """Steps that travel together."""

    id: int
    steps: list[Step]
    depth: int


def assemble(graph: FetchGraph, operation: Operation, writer: DocumentWriter) -> QueryPlan:
    requests = _requests(graph)
    if not requests:
        return QueryPlan(None)
    number_by_step = {step.id: request.id for request in requests for step in request.steps}
    assembler = _Assembler(operation, writer, number_by_step)
    waves: list[list[PlanNode]] = []
    for request in requests:
        while len(waves) <= request.depth:
            waves.append([])
        waves[request.depth].append(assembler.node(request))
    nodes = [_parallel(wave) for wave in waves if wave]
    if operation.kind is OperationKind.SUBSCRIPTION:
        primary = nodes[0]
        if not isinstance(primary, Fetch):
            raise TypeError("a subscription opens one stream")
        return QueryPlan(Subscription(primary, _sequence(nodes[1:]) if len(nodes) > 1 else None))
    return QueryPlan(_sequence(nodes))


def _requests(graph: FetchGraph) -> list[_Request]:
    groups: dict[tuple[int, str, int | None], list[Step]] = {}
    for step in graph.steps:
        alone = step.id if step.is_root or step.context_types else None
        groups.setdefault((step.depth, step.subgraph, alone), []).append(step)
    ordered = sorted(groups, key=lambda key: key[0])  # else as they were created
    return [_Request(number, groups[key], key[0]) for number, key in enumerate(ordered)]


class _Assembler:
    def __init__(self, operation: Operation, writer: DocumentWriter, number_by_step: dict[int, int]) -> None:
        self._operation = operation
        self._writer = writer
        self._number_by_step = number_by_step

    def node(self, request: _Request) -> PlanNode:
        entries = self._share(request.steps)
        if len(entries) > 1 or len(entries[0][1]) > 1:
            return self._batch(request, entries)
        return self._fetch(request, request.steps[0])

    def _share(self, steps: list[Step]) -> list[tuple[Step, list[FlattenPath]]]:
        """Steps that ask the same of the same representations are one lookup, for objects at several paths."""
        if len(steps) == 1:
            return [(steps[0], [steps[0].place.path])]
        shared: dict[tuple[object, ...], tuple[Step, list[FlattenPath]]] = {}
        for step in steps:
            document, _ = self._writer.entities(None, [("_entities", "representations", step.tree)])
            key = (document, _requires(step), _input_rewrites(step), tuple(step.output_rewrites), step.conditions)
            paths = shared.setdefault(key, (step, []))[1]
            if step.place.path not in paths:
                paths.append(step.place.path)
        return list(shared.values())

    def _name(self, request: _Request) -> str | None:
        if self._operation.name is None:
            return None
        subgraph = "".join(c if c.isascii() and c.isalnum() else "_" for c in request.steps[0].subgraph)
        return f"{self._operation.name}__{subgraph}__{request.id}"

    def _depends_on(self, request: _Request) -> tuple[int, ...]:
        return tuple(sorted({self._number_by_step[p] for step in request.steps for p in step.parents}))

    def _fetch(self, request: _Request, step: Step) -> PlanNode:
        name = self._name(request)
        if step.is_root:
            document, variables = self._writer.root(step.kind.value, name, step.tree)
        else:
            document, variables = self._writer.entities(
                name, [("_entities", "representations", step.tree)], step.context_types
            )
        fetch = Fetch(
            id=request.id,
            service=step.subgraph,
            operation=document,
            kind=step.kind,
            operation_name=name,
            variables=variables,
            requires=_requires(step),
            depends_on=self._depends_on(request),
            input_rewrites=_input_rewrites(step),
            output_rewrites=tuple(step.output_rewrites),
            context_rewrites=tuple(step.context_rewrites),
        )
        path = step.place.path
        return _conditional(Flatten(path, fetch) if path else fetch, step.conditions)

    def _batch(self, request: _Request, entries: SequenceOf[tuple[Step, list[FlattenPath]]]) -> PlanNode:
        conditions = entries[0][0].conditions
        is_uniform = all(step.conditions == conditions for step, _ in entries)
        batches: list[EntityBatch] = []
        fields = []
        for number, (step, paths) in enumerate(entries):
            if not is_uniform:
                _return_conditions(step)
            alias, variable = f"_e{number}", f"representations_{number}"
            fields.append((alias, variable, step.tree))
            batches.append(
                EntityBatch(
                    alias=alias,
                    variable=variable,
                    paths=tuple(paths),
                    requires=_requires(step),
                    input_rewrites=_input_rewrites(step),
                    output_rewrites=tuple(step.output_rewrites),
                )
            )
        name = self._name(request)
        document, variables = self._writer.entities(name, fields)
        node = BatchFetch(
            id=request.id,
            service=request.steps[0].subgraph,
            operation=document,
            entries=tuple(batches),
            operation_name=name,
            variables=variables,
            depends_on=self._depends_on(request),
        )
        return _conditional(node, conditions if is_uniform else ())


def _requires(step: Step) -> tuple[RequiredSelection, ...]:
    return tuple(RequiredFragment(source, tree.freeze()) for source, tree in step.inputs.items())


def _input_rewrites(step: Step) -> tuple[Rewrite, ...]:
    return tuple(SetValue((OnTypes((source,)), Key("__typename")), name) for source, name in step.typenames.items())


def _return_conditions(step: Step) -> None:
    """Puts hoisted conditions back on the fields: a batch cannot run one of its parts conditionally."""
    tops = [step.tree]
    for tree in tops:
        tops.extend(tree.fragments.values())
        fields = list(tree.fields.values())
        for selected in fields:
            selected.guards = (*step.conditions, *selected.guards)
        tree.fields = {(f.key, f.guards): f for f in fields}
    step.conditions = ()


def _conditional(node: PlanNode, conditions: SequenceOf[Guard]) -> PlanNode:
    for guard in reversed(conditions):
        node = Condition(guard.variable, node) if guard.expected else Condition(guard.variable, None, node)
    return node


def _parallel(nodes: list[PlanNode]) -> PlanNode:
    return nodes[0] if len(nodes) == 1 else Parallel(tuple(nodes))


def _sequence(nodes: list[PlanNode]) -> PlanNode:
    return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))

"""One random operation, answered twice: by the router's planner and executor, and by a monolith over the same world."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from router.errors import RequestError
from router.execution.compiled import compile_plan
from router.execution.execute import execute
from router.execution.model import ExecutionContext
from router.operation import DocumentLimits, coerce_variables, normalize_operation, parse_document, validate_document
from router.plan.text import print_plan
from router.planner import Planner, PlanningError
from router.supergraph import Supergraph
from tests.kit.fake_subgraph_universe import Universe, UniverseSubgraph
from tests.kit.operation_generator import OperationGenerator


@dataclass(frozen=True, slots=True)
class Outcome:
    difference: str | None = None  #: text to read, with the operation and both answers
    is_skipped: bool = False  #: the operation is not valid, or the supergraph cannot answer it


class Oracle:
    def __init__(self, supergraph: Supergraph, planner: Planner) -> None:
        self._supergraph = supergraph
        self._planner = planner
        self._universe = Universe(supergraph)
        clients = {name: UniverseSubgraph(self._universe, name) for name in supergraph.subgraphs}
        self._context = ExecutionContext(clients)

    async def compare(self, seed: int, random: Random) -> Outcome:
        text = OperationGenerator(self._supergraph.api_schema, seed).text()
        try:
            document = parse_document(text, DocumentLimits())
            if validate_document(document, self._supergraph.api_schema):
                return Outcome(is_skipped=True)
            operation = normalize_operation(document, self._supergraph.api_schema)
            plan = self._planner.plan(operation)
        except (PlanningError, RequestError):
            return Outcome(is_skipped=True)
        given = {name.variable.name.value: random.random() < 0.5 for name in operation.variables}
        variables = coerce_variables(operation, self._supergraph.api_schema, given)
        compiled = compile_plan(plan, operation, self._supergraph)
        expected = self._universe.monolith(document, variables)
        if expected.errors:
            return Outcome(is_skipped=True)  # the world has no value where one must be
        # the interpreter answers first, generated code after it
        for _ in range(2):
            result = await execute(compiled, variables, self._context)
            if result.errors or not _equal(result.data, expected.data):
                is_order = not result.errors and result.data == expected.data
                return Outcome(
                    f"{'the order of keys differs' if is_order else 'the answer differs'}\n"
                    f"{text}\n{variables}\nexpected {expected.data}\n"
                    f"got      {result.data}\nerrors {result.errors}\n{print_plan(plan)}"
                )
        return Outcome()


def _equal(one: Any, other: Any) -> bool:
    """With the order of keys, and without taking 1 for True."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(type(one) is type(other) and one == other)

"""One operation answered step by step and by the typed plan, from the same subgraphs, which lie: both must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import parse
from msgspec import Struct

from router.execution.compiled import CompiledPlan, compile_plan
from router.execution.execute import execute
from router.execution.model import ExecutionContext
from router.operation import coerce_variables, normalize_operation, validate_document
from router.pipeline.respond import encode_result
from router.plan.text import print_plan
from router.planner import Planner
from tests.kit.lying_subgraph import LyingSubgraph
from tests.kit.oracle.random_operation import OperationGenerator
from tests.kit.oracle.random_supergraph import draw_subgraphs
from tests.kit.oracle.subgraph import OracleSubgraph
from tests.kit.oracle.trouble import Trouble, Troubles
from tests.kit.oracle.universe import Universe
from tests.kit.oracle.world import World

OPERATIONS_PER_SUPERGRAPH = 6
LIES = (0, 1, 1, 2)  #: per answer, by the number of the operation


@dataclass(slots=True)
class BothWays:
    """`differences()` goes on from the seed until the number of cases is reached, and yields what differs."""

    seed: int
    case_count: int
    counts: Counter[str] = field(default_factory=Counter)

    async def differences(self) -> AsyncIterator[str]:
        while self.counts["cases"] < self.case_count:
            try:
                world = World(draw_subgraphs(self.seed))
            except ValueError:
                self.counts["not composed"] += 1
            else:
                generator = OperationGenerator(world.monolith, self.seed)
                for number in range(OPERATIONS_PER_SUPERGRAPH):
                    query, variables = generator.operation()
                    if query.startswith("subscription") or validate_document(parse(query), world.monolith):
                        continue
                    self.counts["cases"] += 1
                    case = _Case(world, query, variables, self.seed, LIES[number % len(LIES)])
                    if (difference := await self._compare(case)) is not None:
                        yield f"seed {self.seed}: {query} {variables}\n{difference}"
            self.seed += 1

    async def _compare(self, case: _Case) -> str | None:
        interpreted, asked = await case.answer(times=1)
        typed, asked_again = await case.answer(times=2)
        self.counts["typed" if typed.is_typed else "interpreted"] += 1
        # objects of several types are sent in another order: other lies follow
        if sorted(asked) != sorted(asked_again) and case.lie_count:
            self.counts["asked in another order"] += 1
            return None
        if typed.text == interpreted.text:
            return None
        return f"{case.plan_text}\nstep by step {interpreted.text}\n       typed {typed.text}"


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    is_typed: bool


@dataclass(slots=True)
class _Case:
    world: World
    query: str
    variables: dict[str, Any]
    seed: int
    lie_count: int
    plan_text: str = ""

    async def answer(self, times: int) -> tuple[_Answer, list[bytes]]:
        """Of the last of so many runs: the second is typed where it can be."""
        supergraph = self.world.supergraph
        operation = normalize_operation(parse(self.query, no_location=True), supergraph.api_schema, None)
        plan = Planner(supergraph).plan(operation, frozenset())
        self.plan_text = print_plan(plan)
        compiled = compile_plan(plan, operation, supergraph)
        variables = coerce_variables(operation, supergraph.api_schema, self.variables)
        return [await self._run(compiled, variables) for _ in range(times)][-1]

    async def _run(self, compiled: CompiledPlan, variables: Mapping[str, Any]) -> tuple[_Answer, list[bytes]]:
        facts = self.world.facts
        universe = Universe(facts, self.seed, is_failing=False)
        troubles = Troubles(universe, Trouble.NONE, self.seed)
        honest = {each.name: OracleSubgraph(each, universe, frozenset(), troubles) for each in facts}
        clients = {name: LyingSubgraph(client, self.seed, self.lie_count) for name, client in honest.items()}
        result = await execute(compiled, variables, ExecutionContext(clients))
        written = orjson.loads(encode_result(result))
        errors = sorted(orjson.dumps(error).decode() for error in written.get("errors", ()))  # in any order
        text = f"{orjson.dumps(written['data']).decode()} {errors}"
        is_typed = isinstance(result.content, Struct)
        return _Answer(text, is_typed), [body for client in clients.values() for body in client.asked]

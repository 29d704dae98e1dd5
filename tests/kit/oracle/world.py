"""Subgraphs composed: the router's way to an answer, and the monolith's, over one universe."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, parse
from graphql import ExecutionResult as MonolithResult
from msgspec import Struct

from router.compose import SubgraphDefinition, compose
from router.execution.compiled import compile_plan
from router.execution.execute import execute, subscribe
from router.execution.json import dump_json
from router.execution.model import ErrorRecord, ExecutionContext, ExecutionResult
from router.operation import DocumentLimits, coerce_variables, normalize_operation, validate_document
from router.operation.model import Operation, OperationKind
from router.plan.nodes import QueryPlan
from router.plan.text import print_plan
from router.planner import Planner
from router.supergraph import Supergraph, load_supergraph
from tests.kit.compositions import federation_link
from tests.kit.oracle.facts import SubgraphFacts, read_facts
from tests.kit.oracle.monolith import Monolith
from tests.kit.oracle.subgraph import OracleSubgraph
from tests.kit.oracle.trouble import Trouble, Troubles
from tests.kit.oracle.universe import Universe
from tests.kit.plan_checker import check_plan

_TYPE_NAME = re.compile(r"[EVIJUC]\d|S|Ref|Owner|Query").fullmatch  #: of the types that are made up
_MOST_OPTIONS = 4_000  #: of the satisfiability check: less than a second
_LIMITS = DocumentLimits(max_aliases=None, max_root_fields=None)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that decides an answer."""

    subgraphs: Mapping[str, str]  #: name -> SDL; `# fed1` or `@link` in it: taken as it is
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()  #: of overrides that are on
    seed: int = 0  #: of the universe
    trouble: Trouble = Trouble.NONE
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    kind: str  #: plan, crash, data, errors
    text: str
    plan: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}\n{self.plan}"


@dataclass(frozen=True, slots=True)
class _Planned:
    """One operation of one world, under one set of labels: kept while cases differ in nothing else."""

    key: tuple[str, frozenset[str], str | None]
    document: DocumentNode
    operation: Operation
    plan: QueryPlan
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Given:
    """What came of the router's way."""

    #: data and errors of each execution: one answer, or all of a subscription's
    answers: Sequence[Sequence[tuple[Any, Sequence[ErrorRecord]]]]
    problems: list[str]
    was_surprised: bool  #: generated code met what it did not expect


class World:
    """One supergraph, for any number of operations. Raises ValueError when the subgraphs do not compose, or when it
    takes long to find out whether they do."""

    def __init__(self, subgraphs: Mapping[str, str]) -> None:
        sdls = {
            name: sdl if "@link" in sdl or "# fed1" in sdl else federation_link() + sdl
            for name, sdl in subgraphs.items()
        }
        definitions = [SubgraphDefinition(name, f"http://{name}", sdl) for name, sdl in sdls.items()]
        composition = compose(definitions, most_options=_MOST_OPTIONS)
        if composition.supergraph_sdl is None or composition.api_sdl is None:
            raise ValueError("\n".join(map(str, composition.errors)))
        self.facts: list[SubgraphFacts] = [read_facts(name, sdl) for name, sdl in sdls.items()]
        self.supergraph: Supergraph = load_supergraph(composition.supergraph_sdl)
        self.monolith: GraphQLSchema = build_schema(composition.api_sdl, assume_valid=True, assume_valid_sdl=True)
        self.asked: dict[str, list[str]] = {}  #: the documents each subgraph got for the last case, executed twice
        self._planner = Planner(self.supergraph)
        self._planned: _Planned | None = None

    async def difference(self, case: Case) -> Difference | None:
        """None when both sides agree, or when the case says nothing. Raises ValueError for an invalid query."""
        universe = Universe(self.facts, case.seed, is_failing=case.trouble is Trouble.ERRORS)
        troubles = Troubles(universe, case.trouble, case.seed)
        document = self._valid_document(case)
        try:
            planned = self._planned = self._plan(document, case)
            given = await self._answer(planned, case, universe, troubles)
        except Exception as exc:  # whatever goes wrong is what was looked for
            return Difference("crash", f"{type(exc).__name__}: {exc}")
        universe.mutation_log.clear()
        monolith = Monolith(self.monolith, universe, troubles)
        right = monolith.answers(document, case.variables, case.operation_name)
        if universe.is_undetermined:
            return None
        if case.trouble is Trouble.NONE and not any(result.errors for result in right):
            if in_vain := universe.asked_in_vain():
                given.problems.append(f"nobody selects {in_vain}")
            # a supergraph does not say that a subgraph has its root types by other names
            if given.was_surprised and not any(facts.roots for facts in self.facts):
                given.problems.append("generated code is surprised by what is right")
        return _compare(given, right, print_plan(planned.plan), is_partial=bool(monolith.failures))

    def _valid_document(self, case: Case) -> DocumentNode:
        if self._planned is not None and self._planned.key == _key(case):
            return self._planned.document
        document = parse(case.query, no_location=True)
        if validate_document(document, self.monolith, _LIMITS):
            raise ValueError("the query is not valid")
        return document

    def _plan(self, document: DocumentNode, case: Case) -> _Planned:
        if self._planned is not None and self._planned.key == _key(case):
            return self._planned
        operation = normalize_operation(document, self.supergraph.api_schema, case.operation_name)
        plan = self._planner.plan(operation, case.labels)
        problems = check_plan(self.supergraph, operation, plan, case.labels)
        return _Planned(_key(case), document, operation, plan, problems)

    async def _answer(self, planned: _Planned, case: Case, universe: Universe, troubles: Troubles) -> _Given:
        """Executed twice: step by step, then with generated code."""
        clients = {facts.name: OracleSubgraph(facts, universe, case.labels, troubles) for facts in self.facts}
        self.asked = {name: client.asked for name, client in clients.items()}
        operation = planned.operation
        compiled = compile_plan(planned.plan, operation, self.supergraph)
        coerced = coerce_variables(operation, self.supergraph.api_schema, case.variables)
        context = ExecutionContext(clients, clients)
        runs: list[list[ExecutionResult]] = []
        for _ in range(2):
            universe.mutation_log.clear()
            if operation.kind is OperationKind.SUBSCRIPTION:
                runs.append([event async for event in subscribe(compiled, coerced, context)])
            else:
                runs.append([await execute(compiled, coerced, context)])
        was_surprised = compiled.shape_for(coerced).typed is not None and not isinstance(runs[-1][0].content, Struct)
        answers = [[(json.loads(dump_json(result.data)), result.errors) for result in run] for run in runs]
        return _Given(answers, [*planned.problems], was_surprised)


def _key(case: Case) -> tuple[str, frozenset[str], str | None]:
    return case.query, case.labels, case.operation_name


def _compare(given: _Given, right: Sequence[MonolithResult], plan: str, *, is_partial: bool) -> Difference | None:
    """`is_partial`: an object with nothing in it may as well be missing, with an error that it was asked for."""
    wanted = [result.data for result in right]
    for answer in given.answers:
        expected, got = (
            json.dumps(_filled(data) if is_partial else data) for data in (wanted, [data for data, _ in answer])
        )
        if got != expected:
            text = f"expected {expected}\n     got {got}\n  errors {[errors for _, errors in answer]}"
            return Difference("data", "\n".join([text, *given.problems]), plan)
    if given.problems:
        return Difference("plan", "\n".join(given.problems), plan)
    for answer in given.answers:
        for (_, errors), result in zip(answer, right, strict=True):
            wanted_places = _places(map(_record, result.errors or ()), result.data)
            if not is_partial and _places(errors, result.data) != wanted_places:
                return Difference("errors", f"expected {result.errors}\n     got {list(errors)}", plan)
            if result.errors and not errors:
                return Difference("errors", f"expected {result.errors}, got none", plan)
    return None


def _record(error: GraphQLError) -> ErrorRecord:
    return {"path": error.path}


def _places(errors: Iterable[ErrorRecord], data: Any) -> set[tuple[str | int, ...]]:
    """Of all errors, but where a null has risen: of the errors below it any one is enough, which is its place."""
    return {_risen(tuple(error.get("path") or ()), data) for error in errors}


def _risen(path: tuple[str | int, ...], data: Any) -> tuple[str | int, ...]:
    for length, step in enumerate(path):
        if data is None:
            return path[:length]
        data = data[step]
    return path


def _filled(data: Any) -> Any:
    """Null for objects and lists in which nothing is but nulls and type names."""
    if isinstance(data, dict):
        below = {name: _filled(value) for name, value in data.items()}
        is_empty = all(value is None or (isinstance(value, str) and _TYPE_NAME(value)) for value in below.values())
        return None if is_empty else below
    if isinstance(data, list):
        items = [_filled(item) for item in data]
        return None if all(item is None for item in items) else items
    return data


async def find_difference(case: Case) -> Difference | None:
    """Raises ValueError when the subgraphs do not compose or the query is not valid."""
    return await World(case.subgraphs).difference(case)

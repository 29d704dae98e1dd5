"""Subgraphs composed: the router's way to an answer, and the monolith's, over one universe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLAbstractType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
)
from graphql import ExecutionResult as MonolithResult
from graphql import execute as execute_monolith

from router.compose import SubgraphDefinition, compose
from router.execution.compiled import compile_plan
from router.execution.execute import execute
from router.execution.json import dump_json
from router.execution.model import ErrorRecord, ExecutionContext, ExecutionResult
from router.operation import DocumentLimits, coerce_variables, normalize_operation, validate_document
from router.plan.text import print_plan
from router.planner import Planner
from router.supergraph import Supergraph, load_supergraph
from tests.kit.compositions import federation_link
from tests.kit.oracle.facts import SubgraphFacts, read_facts
from tests.kit.oracle.subgraph import OracleSubgraph
from tests.kit.oracle.universe import Thing, Universe
from tests.kit.plan_checker import check_plan

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
    is_failing: bool = False  #: some fields raise errors
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    kind: str  #: plan, crash, data, errors
    text: str
    plan: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}\n{self.plan}"


@dataclass(frozen=True, slots=True)
class _Given:
    """What came of the router's way."""

    answers: Sequence[str]  #: JSON of each execution: equal for equal values in equal order
    errors: Sequence[ErrorRecord]
    plan: str
    problems: Sequence[str]


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

    async def difference(self, case: Case) -> Difference | None:
        """None when both sides agree, or when the case says nothing. Raises ValueError for an invalid query."""
        document = parse(case.query, no_location=True)
        if validate_document(document, self.monolith, _LIMITS):
            raise ValueError("the query is not valid")
        universe = Universe(self.facts, case.seed, is_failing=case.is_failing)
        try:
            given = await self._answer(document, case, universe)
        except Exception as exc:  # whatever goes wrong is what was looked for
            return Difference("crash", f"{type(exc).__name__}: {exc}")
        universe.mutation_log.clear()
        right = self._right_answer(document, case, universe)
        return None if universe.is_undetermined else _compare(given, right)

    async def _answer(self, document: DocumentNode, case: Case, universe: Universe) -> _Given:
        """Executed twice: step by step, then with generated code."""
        clients = {facts.name: OracleSubgraph(facts, universe, case.labels) for facts in self.facts}
        self.asked = {name: client.asked for name, client in clients.items()}
        operation = normalize_operation(document, self.supergraph.api_schema, case.operation_name)
        plan = self._planner.plan(operation, case.labels)
        problems = check_plan(self.supergraph, operation, plan, case.labels)
        compiled = compile_plan(plan, operation, self.supergraph)
        coerced = coerce_variables(operation, self.supergraph.api_schema, case.variables)
        results: list[ExecutionResult] = []
        for _ in range(2):
            universe.mutation_log.clear()
            results.append(await execute(compiled, coerced, ExecutionContext(clients)))
        texts = [json.dumps(json.loads(dump_json(result.data))) for result in results]
        return _Given(texts, results[-1].errors, print_plan(plan), problems)

    def _right_answer(self, document: DocumentNode, case: Case, universe: Universe) -> MonolithResult:
        definition = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        root = Thing(definition.operation.value.title(), "root")
        monolith = _Monolith(universe)
        result = execute_monolith(
            self.monolith, document, _Seen(root, None), variable_values=dict(case.variables),
            operation_name=case.operation_name,
            field_resolver=monolith.resolve, type_resolver=monolith.type_of,
        )  # fmt: skip
        assert isinstance(result, MonolithResult)
        return result


@dataclass(frozen=True, slots=True)
class _Seen:
    """A thing and the one above it."""

    thing: Thing
    above: _Seen | None


class _Monolith:
    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    def type_of(self, value: _Seen, info: GraphQLResolveInfo[Any], abstract: GraphQLAbstractType) -> str:
        return value.thing.type

    def resolve(self, source: _Seen, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        for facts in self._universe.subgraphs:
            field = facts.fields.get((source.thing.type, info.field_name))
            for argument, (context, selections) in (field.context if field else {}).items():
                arguments[argument] = self._context(source.above, context, selections)
        return _see(self._universe.value(source.thing, info.field_name, arguments), source)

    def _context(self, seen: _Seen | None, context: str, selections: SelectionSetNode) -> Any:
        while seen is not None:
            for facts in self._universe.subgraphs:
                if seen.thing.type in facts.contexts.get(context, ()):
                    (value,) = self._universe.read(seen.thing, selections, facts).values()
                    return value
            seen = seen.above
        raise LookupError(f"nothing sets the context {context}")


def _see(value: Any, above: _Seen) -> Any:
    if isinstance(value, list):
        return [_see(item, above) for item in value]
    return _Seen(value, above) if isinstance(value, Thing) else value


def _compare(given: _Given, right: MonolithResult) -> Difference | None:
    expected = json.dumps(right.data)
    for answer in given.answers:
        if answer != expected:
            text = f"expected {expected}\n     got {answer}\n  errors {given.errors}"
            return Difference("data", "\n".join([text, *given.problems]), given.plan)
    if given.problems:
        return Difference("plan", "\n".join(given.problems), given.plan)
    if bool(given.errors) != bool(right.errors):
        return Difference("errors", f"expected {right.errors}, got {list(given.errors)}", given.plan)
    return None


async def find_difference(case: Case) -> Difference | None:
    """Raises ValueError when the subgraphs do not compose or the query is not valid."""
    return await World(case.subgraphs).difference(case)

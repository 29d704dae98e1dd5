"""Text, variables and context -> response. None where Strawberry has to answer: for whatever is unusual or faulty.

Documents are parsed, validated and compiled once. A document that cannot be run here is remembered too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    default_field_resolver,
    default_type_resolver,
    parse,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.executor import Executor
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.schema import Schema

from common.lru import LruMap
from common.subgraph.execution.compile import Compiler, Step
from common.subgraph.execution.run import Run, is_pending
from common.subgraph.page_budget import MAX_OBJECTS, CostExceededError, Pages, objects_asked, pages_of

#: compiled forms of one operation, by the values of the variables in its conditions
MAX_VARIANTS: Final = 16


@dataclass(frozen=True, slots=True)
class Executed:
    """As graphql-core's `ExecutionResult`: errors as they were raised, not yet fit for clients."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]


@dataclass(frozen=True, slots=True)
class _Prepared:
    document: DocumentNode
    operation: OperationDefinitionNode
    pages: Pages
    #: variables of @skip and @include
    conditions: tuple[str, ...]
    variants: LruMap[tuple[Any, ...], Step] = field(default_factory=lambda: LruMap(MAX_VARIANTS))

    def executor(self, schema: Schema, conditions: VariableValues) -> Executor[Any]:
        """graphql-core's, which is asked what is selected and what things are, and runs nothing."""
        fragments = {
            each.name.value: each for each in self.document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        details = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        return Executor(
            schema=schema._schema,
            fragment_definitions=fragments,
            fragments=details,
            root_value=None,
            context_value=None,
            operation=self.operation,
            variable_values=conditions,
            field_resolver=default_field_resolver,
            type_resolver=default_type_resolver,
            subscribe_field_resolver=default_field_resolver,
            enable_early_execution=False,
            middleware_manager=None,
            is_awaitable=None,
        )


class Operations:
    """The operations of one schema that were seen so far, `max_count` at most."""

    def __init__(self, schema: Schema, max_count: int) -> None:
        self._schema = schema
        #: an empty tuple for what cannot be run here
        self._known: LruMap[tuple[str, str | None], _Prepared | tuple[()]] = LruMap(max_count)

    async def execute(
        self, text: str, variables: Mapping[str, Any], operation_name: str | None, context: object
    ) -> Executed | None:
        """None where Strawberry has to answer. Nothing has been run then."""
        prepared = self._prepared(text, operation_name)
        if not prepared:
            return None
        core = self._schema._schema
        coerced = get_variable_values(core, prepared.operation.variable_definitions or (), dict(variables))
        if not isinstance(coerced, VariableValues):
            return None
        if prepared.pages and objects_asked(prepared.pages, variables) > MAX_OBJECTS:
            return None
        return await _run(self._compiled(prepared, coerced), Run(context, coerced))

    def _prepared(self, text: str, operation_name: str | None) -> _Prepared | tuple[()]:
        key = (text, operation_name)
        known = self._known.get(key)
        if known is None:
            known = _prepare(self._schema, text, operation_name) or ()
            self._known.put(key, known)
        return known

    def _compiled(self, prepared: _Prepared, variables: VariableValues) -> Step:
        names = prepared.conditions
        key = tuple(variables.coerced.get(name) for name in names)
        fields = prepared.variants.get(key)
        if fields is None:
            executor = prepared.executor(self._schema, _only(variables, names))
            fields = Compiler(self._schema, executor).root()
            prepared.variants.put(key, fields)
        return fields


def _only(variables: VariableValues, names: Sequence[str]) -> VariableValues:
    """The variables with those names. What is compiled lives long, and the others may hold secrets."""
    return VariableValues(*({name: part[name] for name in names if name in part} for part in variables))


async def _run(fields: Step, run: Run) -> Executed:
    data: dict[str, Any] | None
    try:
        data = fields(None, run, None)
        if is_pending(data):
            data = await data  # type: ignore[misc]  # a coroutine, which is what pending means
    except GraphQLError as exc:
        run.add_error(exc, None)
        data = None
    for coroutine in run.abandoned:
        try:
            await coroutine
        except Exception:  # noqa: S112 - its object was nulled for another error, which the client is told
            continue
    return Executed(data, run.errors)


def _prepare(schema: Schema, text: str, operation_name: str | None) -> _Prepared | None:
    try:
        document = parse(text)
        operation = _operation(document, operation_name)
        if operation is None or operation.operation is OperationType.SUBSCRIPTION:
            return None
        if validate(schema._schema, document):
            return None
        found = _Findings()
        visit(document, found)
        if found.is_unusual:
            return None
        pages = pages_of(schema._schema, document, operation)
    except (GraphQLError, CostExceededError, RecursionError):
        return None
    return _Prepared(document, operation, pages, tuple(found.conditions))


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        operations = [each for each in operations if each.name is not None and each.name.value == name]
    return operations[0] if len(operations) == 1 else None


class _Findings(Visitor):
    """What the text holds that decides how, or whether, it can be compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.is_unusual = False
        self.conditions: dict[str, None] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value.startswith("__") and node.name.value != "__typename":
            self.is_unusual = True

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value not in ("skip", "include"):
            self.is_unusual = True
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.conditions[argument.value.name.value] = None

"""A supergraph written as API SDL plus fields, a plan written with plan nodes, and fakes: run and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.execution.compiled import CompiledPlan, compile_plan
from router.execution.execute import execute
from router.execution.model import ExecutionContext, ExecutionResult
from router.operation import DocumentLimits, coerce_variables, normalize_operation, parse_document, validate_document
from router.plan.nodes import (
    EachItem,
    Fetch,
    Flatten,
    FlattenPath,
    Key,
    OnTypes,
    PlanNode,
    QueryPlan,
    RequiredField,
    RequiredFragment,
    RequiredSelection,
)
from router.supergraph import Supergraph, load_supergraph
from router.transport.model import SubgraphClient

JOIN = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY) { %s }
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM |
  ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String,
  contextArguments: [join__ContextArgument!]) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments)
  repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
input join__ContextArgument { name: String! type: String! context: String! selection: join__FieldValue! }
scalar join__FieldSet  scalar join__DirectiveArguments  scalar join__FieldValue  scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b")
  C @join__graph(name: "c", url: "http://c") }
"""


def supergraph(types: str, roots: str = "query: Query") -> Supergraph:
    """Subgraphs are `a`, `b` and `c`. The SDL stands under join v0.5 and inaccessible v0.2."""
    return load_supergraph(JOIN % roots + types)


def compiled(graph: Supergraph, query: str, plan: PlanNode | None) -> CompiledPlan:
    document = parse_document(query, DocumentLimits())
    assert list(validate_document(document, graph.api_schema)) == []
    return compile_plan(QueryPlan(plan), normalize_operation(document, graph.api_schema), graph)


async def answer(
    graph: Supergraph,
    query: str,
    plan: PlanNode | None,
    clients: Mapping[str, SubgraphClient],
    variables: Mapping[str, Any] | None = None,
    **context: Any,
) -> ExecutionResult:
    """Runs twice, so that the interpreter and the typed plan must agree; gives the second result."""
    ready = compiled(graph, query, plan)
    coerced = coerce_variables(ready.operation, graph.api_schema, variables or {})
    first = await execute(ready, coerced, ExecutionContext(clients, **context))
    second = await execute(ready, coerced, ExecutionContext(clients, **context))
    assert second.data == first.data  # also makes typed content plain
    assert second == first
    assert keys_in_order(second.data) == keys_in_order(first.data)
    return second


def keys_in_order(value: Any) -> Any:
    """What dict equality leaves out."""
    if isinstance(value, Mapping):
        return [(key, keys_in_order(item)) for key, item in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [keys_in_order(item) for item in value]
    return None


def path(text: str) -> FlattenPath:
    """`users.@.pet|[Cat|Dog]` in the words of plans."""
    steps: list[Key | EachItem | OnTypes] = []
    for part in text.split("."):
        name, _, types = part.partition("|[")
        steps.append(EachItem() if name == "@" else Key(name))
        if types:
            steps.append(OnTypes(tuple(types.rstrip("]").split("|"))))
    return tuple(steps)


def on(type_name: str, *fields: str | RequiredField) -> RequiredFragment:
    """`... on T { __typename f g }`"""
    wanted: list[RequiredSelection] = [RequiredField("__typename", "__typename")]
    wanted += [RequiredField(field, field) if isinstance(field, str) else field for field in fields]
    return RequiredFragment(type_name, tuple(wanted))


def entity_fetch(
    number: int, service: str, at: str, requires: RequiredFragment, selection: str, after: tuple[int, ...], **more: Any
) -> Flatten:
    operation = (
        f"query($representations: [_Any!]!) {{ _entities(representations: $representations) "
        f"{{ ... on {requires.type_condition} {{ {selection} }} }} }}"
    )
    return Flatten(path(at), Fetch(number, service, operation, requires=(requires,), depends_on=after, **more))

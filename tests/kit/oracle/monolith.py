"""One schema that has everything, answered by graphql-core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute,
)

from tests.kit.oracle.subgraph import EVENTS
from tests.kit.oracle.trouble import Troubles
from tests.kit.oracle.universe import Thing, Universe


@dataclass(slots=True)
class _Failure:
    """A field that failed in one subgraph, while others may have answered it."""

    subgraph: str
    is_noticed: bool = False  #: whether it is plain from which subgraph something below had to come


@dataclass(frozen=True, slots=True)
class _Seen:
    """A thing, the one above it, and by which field it came."""

    thing: Thing
    above: _Seen | None = None
    field: str = ""
    failure: _Failure | None = None


class Monolith:
    def __init__(self, schema: GraphQLSchema, universe: Universe, troubles: Troubles) -> None:
        self._schema = schema
        self._universe = universe
        self._troubles = troubles
        self.failures: list[_Failure] = []

    def answers(
        self, document: DocumentNode, variables: Mapping[str, Any], operation_name: str | None
    ) -> list[ExecutionResult]:
        """One, or as many as there are events."""
        definition = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        is_stream = definition.operation is OperationType.SUBSCRIPTION
        roots = EVENTS if is_stream else (Thing(definition.operation.value.title(), "root"),)
        results: list[ExecutionResult] = []
        for root in roots:
            result = execute(
                self._schema, document, _Seen(root), variable_values=dict(variables), operation_name=operation_name,
                field_resolver=self._resolve, type_resolver=self._type_of,
            )  # fmt: skip
            assert isinstance(result, ExecutionResult)
            results.append(result)
        if not all(failure.is_noticed for failure in self.failures):
            self._universe.is_undetermined = True
        return results

    def _type_of(self, value: _Seen, info: GraphQLResolveInfo[Any], abstract: GraphQLAbstractType) -> str:
        return value.thing.type

    def _resolve(self, source: _Seen, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        name = info.field_name
        if source.failure is not None:
            self._check_failure(source.failure, source.thing.type, name)
        if self._is_lost(source, name):
            return None
        for facts in self._universe.subgraphs:
            field = facts.fields.get((source.thing.type, name))
            for argument, (context, selections) in (field.context if field else {}).items():
                arguments[argument] = self._context(source.above, context, selections)
        value = self._universe.value(source.thing, name, arguments, self._universe.selected)
        return self._see(value, source, name, self._new_failure(source, name))

    def _context(self, seen: _Seen | None, context: str, selections: SelectionSetNode) -> Any:
        while seen is not None:
            for facts in self._universe.subgraphs:
                if seen.thing.type in facts.contexts.get(context, ()):
                    (value,) = self._universe.read(seen.thing, selections, facts).values()
                    while isinstance(value, dict):
                        (value,) = value.values()
                    return value
            seen = seen.above
        raise LookupError(f"nothing sets the context {context}")

    def _see(self, value: Any, above: _Seen, field: str, failure: _Failure | None) -> Any:
        if isinstance(value, list):
            return [self._see(item, above, field, failure) for item in value]
        return _Seen(value, above, field, failure) if isinstance(value, Thing) else value

    # --- troubles of single subgraphs ------------------------------------------------------------------------------

    def _homes(self, type_name: str, name: str) -> set[str]:
        return {facts.name for facts in self._universe.mentions(type_name, name)}

    def _new_failure(self, source: _Seen, name: str) -> _Failure | None:
        subgraph = self._troubles.broken_in(source.thing.type, name)
        if subgraph is None:
            return None
        self.failures.append(_Failure(subgraph))
        return self.failures[-1]

    def _check_failure(self, failure: _Failure, type_name: str, name: str) -> None:
        homes = self._homes(type_name, name)
        failure.is_noticed = True
        if homes == {failure.subgraph}:
            raise GraphQLError(f"{type_name}.{name} could only come from {failure.subgraph}")
        if failure.subgraph in homes:  # who is asked is the planner's choice
            self._universe.is_undetermined = True

    def _is_lost(self, source: _Seen, name: str) -> bool:
        """Whether the only subgraph with the field does not know the entity."""
        absent = {f.name for f in self._universe.subgraphs if self._troubles.is_absent(f, source.thing)}
        homes = self._homes(source.thing.type, name) if absent else set[str]()
        if absent.isdisjoint(homes) or name == "id":
            return False
        above = self._homes(source.above.thing.type, source.field) if source.above is not None else set[str]()
        if not homes <= absent or not absent.isdisjoint(above):
            self._universe.is_undetermined = True
        return True

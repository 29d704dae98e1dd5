"""A validated operation -> functions that run it. Which field has what type and resolver is decided here, once.

Each function mirrors one of graphql-core's executor (`execute_fields`, `complete_value`, `complete_list_value`, …), so
that data, errors and their places are the same. Nulls propagate as exceptions. A list whose items wait, and an object
whose fields wait, wait for all of them at once: dataloaders see every key in one tick.

Awaitables come from `async def` resolvers only: neither attributes nor items of lists may be awaitable.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet, collect_fields
from graphql.execution.executor import Executor, invalid_return_type_error, to_nodes
from graphql.pyutils import is_iterable
from strawberry.schema import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from common.subgraph.execution.info import FieldSpec, LazyInfo
from common.subgraph.execution.leaves import Completer, leaf_completer
from common.subgraph.execution.run import Path, Run, is_pending, located
from common.subgraph.execution.values import Getter, attribute_getter, resolver_getter

#: (source, run, path of the source) -> completed value of a field, or of all fields; or a coroutine of it
Step: TypeAlias = Callable[[Any, Run, Path | None], Any]
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Part(Generic[FunctionT]):
    """A function, and whether there is a resolver below it, so that its result may be a coroutine."""

    function: FunctionT
    may_wait: bool


class Compiler:
    """Compiles selections of one operation; `executor` holds its schema, fragments and conditions."""

    def __init__(self, schema: Schema, executor: Executor[Any]) -> None:
        self._schema = schema
        self._executor = executor

    def root(self) -> Step:
        """Runs the operation: the data, or a coroutine of it. Mutations one after another."""
        executor = self._executor
        operation = executor.operation.operation
        root_type = executor.schema.get_root_type(operation)
        if root_type is None:
            raise GraphQLError(f"Schema is not configured to execute {operation.value} operation.")
        collected = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root_type, executor.operation
        )
        steps = self._steps(root_type, collected.grouped_field_set)
        return _in_turn(steps) if operation is OperationType.MUTATION else _fields(steps).function

    def _steps(self, parent_type: GraphQLObjectType, selected: GroupedFieldSet) -> dict[str, Part[Step]]:
        return {key: self._step(parent_type, key, details) for key, details in selected.items()}

    def _step(self, parent_type: GraphQLObjectType, key: str, details: FieldDetailsList) -> Part[Step]:
        name = details[0].node.name.value
        if name == "__typename":
            typename = parent_type.name
            return Part(lambda _source, _run, _path: typename, may_wait=False)
        definition = parent_type.fields[name]
        spec = FieldSpec(self._executor, parent_type, definition, key, to_nodes(details))
        complete = self._completer(definition.type, spec, details)
        failed = _failure(definition.type, spec)
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        attribute = attribute_getter(field)
        if attribute is not None:
            return _attribute_step(key, attribute, complete, failed)
        getter = resolver_getter(self._schema, spec, field)
        if isinstance(field, StrawberryField) and not field.is_async:
            return _resolver_step(key, getter, complete, failed)
        return Part(_async_step(key, getter, complete.function, failed), may_wait=True)

    def _completer(self, output: GraphQLOutputType, spec: FieldSpec, details: FieldDetailsList) -> Part[Completer]:
        null = _no_null(spec) if is_non_null_type(output) else _null
        inner: Any = output.of_type if is_non_null_type(output) else output
        if is_list_type(inner):
            item = self._completer(inner.of_type, spec, details)
            return _list_completer(item, _failure(inner.of_type, spec), null, spec)
        if is_leaf_type(inner):
            return Part(leaf_completer(inner, null), may_wait=False)
        if is_abstract_type(inner):
            return Part(self._abstract_completer(inner, spec, details, null), may_wait=True)
        return self._object_completer(inner, spec, details, null)

    def _object_completer(
        self, object_type: GraphQLObjectType, spec: FieldSpec, details: FieldDetailsList, null: Callable[[], None]
    ) -> Part[Completer]:
        selected = self._executor.collect_subfields(object_type, details).grouped_field_set
        part = _fields(self._steps(object_type, selected))
        fields = part.function
        origin = _certain_class(object_type)

        def complete(value: Any, run: Run, path: Path) -> Any:
            if type(value) is not origin:
                if value is None or value is Undefined:
                    return null()
                if isinstance(value, Exception):
                    raise value
                if object_type.is_type_of and not object_type.is_type_of(value, _info(spec, run, path)):
                    raise invalid_return_type_error(object_type, value, details)
            return fields(value, run, path)

        return Part(complete, part.may_wait)

    def _abstract_completer(
        self, abstract: GraphQLAbstractType, spec: FieldSpec, details: FieldDetailsList, null: Callable[[], None]
    ) -> Completer:
        """The runtime type is found by graphql-core's rules, and remembered for classes that always mean one type."""
        executor = self._executor
        resolve_type = abstract.resolve_type or executor.type_resolver
        by_name: dict[str, Completer] = {}
        by_class: dict[type, Completer] = {}

        def completer_of(value: Any, run: Run, path: Path) -> Completer:
            info = _info(spec, run, path)
            found = executor.ensure_valid_runtime_type(
                resolve_type(value, info, abstract), abstract, details, info, value
            )
            if found.name not in by_name:
                by_name[found.name] = self._object_completer(found, spec, details, null).function
            if _certain_class(found) is type(value):
                by_class[type(value)] = by_name[found.name]
            return by_name[found.name]

        def complete(value: Any, run: Run, path: Path) -> Any:
            known = by_class.get(type(value))
            if known is None:
                if value is None or value is Undefined:
                    return null()
                if isinstance(value, Exception):
                    raise value
                known = completer_of(value, run, path)
            return known(value, run, path)

        return complete


def _fields(steps: dict[str, Part[Step]]) -> Part[Step]:
    """All fields of an object; those that wait are awaited together."""
    items = tuple((key, part.function) for key, part in steps.items())
    waiting = [key for key, part in steps.items() if part.may_wait]

    def execute(source: Any, run: Run, path: Path | None) -> Any:
        return {key: step(source, run, path) for key, step in items}

    def execute_waiting(source: Any, run: Run, path: Path | None) -> Any:
        results: dict[str, Any] = {}
        try:
            for key, step in items:
                results[key] = step(source, run, path)
        except Exception:
            run.abandon(results.values())
            raise
        pending = [key for key in waiting if is_pending(results[key])]
        return _awaited_fields(results, pending) if pending else results

    return Part(execute_waiting if waiting else execute, bool(waiting))


async def _awaited_fields(results: dict[str, Any], pending: Sequence[str]) -> dict[str, Any]:
    if len(pending) == 1:
        results[pending[0]] = await results[pending[0]]
        return results
    awaited = await _all(results[key] for key in pending)
    results.update(zip(pending, awaited, strict=True))
    return results


def _in_turn(steps: dict[str, Part[Step]]) -> Step:
    async def execute(source: Any, run: Run, path: Path | None) -> dict[str, Any]:
        results: dict[str, Any] = {}
        for key, part in steps.items():
            value = part.function(source, run, path)
            results[key] = await value if is_pending(value) else value
        return results

    return execute


def _attribute_step(
    key: str, attribute: Callable[[Any], Any], completer: Part[Completer], failed: "Failure"
) -> Part[Step]:
    complete = completer.function

    def step(source: Any, run: Run, path: Path | None) -> Any:
        try:
            return complete(attribute(source), run, (path, key))
        except Exception as exc:
            return failed(exc, run, (path, key))

    return Part(_waiting(key, step, failed) if completer.may_wait else step, completer.may_wait)


def _resolver_step(key: str, get: Getter, completer: Part[Completer], failed: "Failure") -> Part[Step]:
    complete = completer.function

    def step(source: Any, run: Run, path: Path | None) -> Any:
        here = (path, key)
        try:
            return complete(get(source, run, here), run, here)
        except Exception as exc:
            return failed(exc, run, here)

    return Part(_waiting(key, step, failed) if completer.may_wait else step, completer.may_wait)


def _waiting(key: str, step: Step, failed: "Failure") -> Step:
    """`step`, where what is below the field may wait, and fail then."""

    def waiting_step(source: Any, run: Run, path: Path | None) -> Any:
        completed = step(source, run, path)
        return _guarded(completed, failed, run, (path, key)) if is_pending(completed) else completed

    return waiting_step


def _async_step(key: str, get: Getter, complete: Completer, failed: "Failure") -> Step:
    async def step(source: Any, run: Run, path: Path | None) -> Any:
        here = (path, key)
        try:
            completed = complete(await get(source, run, here), run, here)
            return await completed if is_pending(completed) else completed
        except Exception as exc:
            return failed(exc, run, here)

    return step


def _list_completer(
    item: Part[Completer], failed: "Failure", null: Callable[[], None], spec: FieldSpec
) -> Part[Completer]:
    complete_item, may_wait = item.function, item.may_wait

    def complete(value: Any, run: Run, path: Path) -> Any:
        if type(value) is not list:
            if value is None or value is Undefined:
                return null()
            if isinstance(value, Exception):
                raise value
            if not is_iterable(value):
                name = f"{spec.parent_type}.{spec.nodes[0].name.value}"
                raise GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
        results: list[Any] = []
        try:
            for index, each in enumerate(value):
                here = (path, index)
                try:
                    completed = complete_item(each, run, here)
                except Exception as exc:
                    completed = failed(exc, run, here)
                results.append(completed)
        except Exception:
            run.abandon(results)
            raise
        pending = [index for index, each in enumerate(results) if is_pending(each)] if may_wait else ()
        if not pending:
            return results
        for index in pending:
            results[index] = _guarded(results[index], failed, run, (path, index))
        return _awaited_items(results, pending)

    return Part(complete, may_wait)


async def _awaited_items(results: list[Any], pending: Sequence[int]) -> list[Any]:
    if len(pending) == 1:
        results[pending[0]] = await results[pending[0]]
        return results
    awaited = await _all(results[index] for index in pending)
    for index, value in zip(pending, awaited, strict=True):
        results[index] = value
    return results


async def _all(awaitables: Iterable[Awaitable[Any]]) -> list[Any]:
    """All results; or the first error, when all have ended.

    graphql-core cancels the others at the first error. But two of them may wait for one key of a dataloader, and
    whoever is cancelled cancels what it waits for: branches that have nothing to do with the error would die as well.
    """
    outcomes = await asyncio.gather(*awaitables, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


#: what becomes of an error at a place: None and a note, or it goes on to the parent
Failure: TypeAlias = Callable[[Exception, Run, Path], Any]


def _failure(output: GraphQLOutputType, spec: FieldSpec) -> Failure:
    is_required = is_non_null_type(output)

    def failed(error: Exception, run: Run, path: Path) -> None:
        found = located(error, spec.nodes, path)
        if is_required:
            raise found from error
        run.add_error(found, path)

    return failed


async def _guarded(completed: Coroutine[Any, Any, Any], failed: Failure, run: Run, path: Path) -> Any:
    try:
        return await completed
    except Exception as exc:
        failed(exc, run, path)
        return None


def _null() -> None:
    return None


def _no_null(spec: FieldSpec) -> Callable[[], None]:
    def null() -> None:
        name = f"{spec.parent_type}.{spec.nodes[0].name.value}"
        raise TypeError(f"Cannot return null for non-nullable field {name}.")

    return null


def _certain_class(object_type: GraphQLObjectType) -> type | None:
    """The class whose instances are of this type and of no other; None where it takes a look at the instance."""
    definition = object_type.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryObjectDefinition) or definition.concrete_of or definition.is_type_of:
        return None
    return definition.origin


def _info(spec: FieldSpec, run: Run, path: Path) -> Any:
    return LazyInfo(spec, run, path).complete

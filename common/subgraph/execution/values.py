"""How a field gets its value: an attribute, a plain resolver called directly, or Strawberry's whole way."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo
from graphql.execution.values import get_argument_values
from strawberry.schema import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from common.subgraph.execution.info import FieldSpec, LazyInfo
from common.subgraph.execution.run import Path, Run

#: (source, run, path of the field) -> value, or an awaitable of it
Getter: TypeAlias = Callable[[Any, Run, Path], Any]


def attribute_getter(field: Any) -> Callable[[Any], Any] | None:
    """For a field without resolver: reads the attribute. None for all others."""
    if isinstance(field, StrawberryField) and field.is_basic_field and field.default_resolver is getattr:
        return attrgetter(field.python_name)
    return None


def resolver_getter(schema: Schema, spec: FieldSpec, field: Any) -> Getter:
    """For a field with a resolver. Arguments are coerced once per run, and shared by all objects it is asked of."""
    if isinstance(field, StrawberryField) and not field.extensions and not schema.schema_converter.exception_handlers:
        resolver = field.base_resolver
        if resolver is not None:
            return _plain(schema, spec, field, resolver)
    return _whole(spec)


def _plain(schema: Schema, spec: FieldSpec, field: StrawberryField, resolver: StrawberryResolver[Any]) -> Getter:
    function: Callable[..., Any] = resolver.wrapped_func  # type: ignore[assignment]
    takes_self = resolver.self_parameter is not None
    source_names = [p.name for p in (resolver.parent_parameter, resolver.root_parameter) if p is not None]
    info_name = resolver.info_parameter.name if resolver.info_parameter is not None else None
    new_info = schema.config.info_class

    if takes_self and not source_names and not spec.definition.args:
        if info_name is None:
            return lambda source, _run, _path: function(source)
        return lambda source, run, path: function(source, **{info_name: new_info(_lazy(spec, run, path), field)})

    def arguments(run: Run, info: Any) -> dict[str, Any]:
        known = run.arguments.get(spec)
        if known is None:
            given = get_argument_values(spec.definition, spec.nodes[0], run.variables)
            registry = schema.schema_converter.scalar_registry
            known = convert_arguments(given, field.arguments, registry, schema.config, info)
            run.arguments[spec] = known
        return known

    def get(source: Any, run: Run, path: Path) -> Any:
        info = new_info(_lazy(spec, run, path), field)
        keywords = dict(arguments(run, info))
        for name in source_names:
            keywords[name] = source
        if info_name is not None:
            keywords[info_name] = info
        return function(source, **keywords) if takes_self else function(**keywords)

    return get


def _whole(spec: FieldSpec) -> Getter:
    """Extensions, permissions, exception handlers: whatever Strawberry has put around the resolver."""
    resolve = spec.definition.resolve or spec.executor.field_resolver

    def get(source: Any, run: Run, path: Path) -> Any:
        given = run.arguments.get(spec)
        if given is None:
            given = run.arguments[spec] = get_argument_values(spec.definition, spec.nodes[0], run.variables)
        return resolve(source, LazyInfo(spec, run, path).complete, **given)

    return get


def _lazy(spec: FieldSpec, run: Run, path: Path) -> GraphQLResolveInfo[Any]:
    info: Any = LazyInfo(spec, run, path)
    made: GraphQLResolveInfo[Any] = info
    return made

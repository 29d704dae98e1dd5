"""Values for `@fromContext` arguments: taken from the objects above an entity, sent as variables of its fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from graphql import GraphQLSchema

from router.execution.collect import Collector, JsonObject
from router.execution.json import dump_json
from router.execution.rewrites import applies
from router.plan.nodes import ContextRewrite, FlattenPath, Key, OnTypes

#: variables -> the objects for which they hold
ContextGroups: TypeAlias = list[tuple[Mapping[str, Any], list[JsonObject]]]


def group_by_context(
    collectors: Sequence[Collector], rewrites: Sequence[ContextRewrite], root: JsonObject, schema: GraphQLSchema
) -> ContextGroups:
    """Objects with the same context values stand together, in order of first appearance."""
    groups: dict[bytes, tuple[dict[str, Any], list[JsonObject]]] = {}
    for collector in collectors:
        for _, line in collector.collect_with_paths(root):
            values: dict[str, Any] = {}
            for rewrite in rewrites:
                # several types may set one context: each has a rewrite, and the one that applies finds a value
                if rewrite.up < len(line) and (found := _find(line[-1 - rewrite.up], rewrite.path, schema)):
                    values[rewrite.variable] = found[0]
            groups.setdefault(dump_json(values), (values, []))[1].append(line[-1])
    return list(groups.values())


def _find(value: Any, path: FlattenPath, schema: GraphQLSchema) -> tuple[Any, ...]:
    """The value in a tuple of one, or nothing."""
    for step in path:
        match step:
            case Key(name) if isinstance(value, dict) and name in value:
                value = value[name]
            case OnTypes(names) if isinstance(value, dict) and applies(names, value.get("__typename"), schema):
                pass
            case _:
                return ()
    return (value,)

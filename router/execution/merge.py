"""One object into another: what two subgraphs know of the same object becomes one.

`__typename` is special: a subgraph that knows an entity only as an interface object calls it by the interface's name.
That name never replaces the concrete one, and the concrete one always replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema

from router.execution.collect import JsonObject, ResponsePath
from router.execution.rewrites import apply_rewrite
from router.plan.nodes import Key, RenameKey, Rewrite
from router.supergraph.model import Supergraph


def merge_into(target: JsonObject, source: JsonObject, abstract_names: Set[str]) -> None:
    """Change `target` in place. Nested objects of `source` may become part of it: they are shared, not copied."""
    if target.keys().isdisjoint(source):
        target.update(source)
        return
    for key, value in source.items():
        if key not in target:
            target[key] = value
        elif key == "__typename":
            known = target[key]
            if known is None or (isinstance(known, str) and known in abstract_names and value is not None):
                target[key] = value
        else:
            target[key] = _merge_values(target[key], value, abstract_names)


def _merge_values(target: Any, source: Any, abstract_names: Set[str]) -> Any:
    if target is source or source is None:
        return target
    if target is None:
        return source
    if isinstance(target, dict) and isinstance(source, dict):
        merge_into(target, source, abstract_names)
    elif isinstance(target, list) and isinstance(source, list):
        # the same list from two subgraphs: its items correspond by position
        for index, (one, other) in enumerate(zip(target, source, strict=False)):
            target[index] = _merge_values(one, other, abstract_names)
        target.extend(source[len(target) :])
    return target


def copy_json(value: Any) -> Any:
    """A copy that shares no object or list."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Merging:
    """How answers of a fetch become part of the data."""

    rewrites: tuple[Rewrite, ...]
    renamed: Mapping[str, str]  #: response keys the planner invented -> the client's, for the paths of errors
    schema: GraphQLSchema
    abstract_names: frozenset[str]

    @classmethod
    def of(cls, rewrites: tuple[Rewrite, ...], supergraph: Supergraph) -> Merging:
        renamed = {
            rewrite.path[-1].name: rewrite.key
            for rewrite in rewrites
            if isinstance(rewrite, RenameKey) and isinstance(rewrite.path[-1], Key)
        }
        abstract = frozenset(name for name, info in supergraph.types.items() if info.kind in ("interface", "union"))
        return cls(rewrites, renamed, supergraph.schema, abstract)

    def rewrite(self, value: JsonObject) -> None:
        for rewrite in self.rewrites:
            apply_rewrite(rewrite, rewrite.path, value, self.schema)

    def client_path(self, path: ResponsePath) -> ResponsePath:
        if not self.renamed:
            return path
        return tuple(self.renamed.get(step, step) if isinstance(step, str) else step for step in path)

"""Flatten path -> the objects at that path.

Twice: as generated code for every request, and as an interpreter that also says where each object is, for errors.
Both skip what is not there and what is not of the kind the path expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from graphql import GraphQLSchema, is_abstract_type

from router.plan.nodes import EachItem, FlattenPath, Key, OnTypes

JsonObject: TypeAlias = dict[str, Any]
ResponsePath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Collector:
    path: FlattenPath
    collect: Callable[[JsonObject], list[JsonObject]]
    type_names: Mapping[OnTypes, frozenset[str]]

    def collect_with_paths(self, root: JsonObject) -> Iterator[tuple[ResponsePath, tuple[JsonObject, ...]]]:
        """Each object with its response path, last in the line of objects that lead to it from the root."""
        return _walk(self.path, root, (), (), self.type_names)

    @property
    def static_prefix(self) -> ResponsePath:
        """The part of the response path that is the same for all objects."""
        prefix: list[str | int] = []
        for step in self.path:
            if isinstance(step, Key):
                prefix.append(step.name)
            elif isinstance(step, EachItem):
                break
        return tuple(prefix)


#: Python allows 20 nested loops and 100 levels of indentation
MAX_GENERATED_STEPS = 60
MAX_GENERATED_LOOPS = 18


def compile_collector(path: FlattenPath, schema: GraphQLSchema) -> Collector:
    type_names = {step: runtime_names(step, schema) for step in path if isinstance(step, OnTypes)}
    loop_count = sum(isinstance(step, EachItem) for step in path)
    if len(path) <= MAX_GENERATED_STEPS and loop_count <= MAX_GENERATED_LOOPS:
        return Collector(path, _generate(path, type_names), type_names)

    def collect(root: JsonObject) -> list[JsonObject]:
        return [line[-1] for _, line in _walk(path, root, (), (), type_names)]

    return Collector(path, collect, type_names)


def _generate(
    path: FlattenPath, type_names: Mapping[OnTypes, frozenset[str]]
) -> Callable[[JsonObject], list[JsonObject]]:
    lines = ["def collect(v0):", " found = []"]
    scope: dict[str, Any] = {"has_name": _has_name}
    depth, indent = 0, " "
    is_checked = False
    for step in path:
        value = f"v{depth}"
        match step:
            case Key():
                lines.append(f"{indent}if {value}.__class__ is dict:")
                depth += 1
                lines.append(f"{indent} v{depth} = {value}.get({step.name!r})")
            case EachItem():
                lines.append(f"{indent}if {value}.__class__ is list:")
                depth += 1
                lines.append(f"{indent} for v{depth} in {value}:")
                indent += " "
            case OnTypes():
                scope[f"names{depth}"] = type_names[step]
                lines.append(f"{indent}if {value}.__class__ is dict and has_name({value}, names{depth}):")
            case _:
                assert_never(step)
        is_checked = isinstance(step, OnTypes)
        indent += " "
    if not is_checked:
        lines.append(f"{indent}if v{depth}.__class__ is dict:")
        indent += " "
    lines.append(f"{indent}found.append(v{depth})")
    lines.append(" return found")
    exec(compile("\n".join(lines), "<collector>", "exec"), scope)  # noqa: S102  # made of the plan's own names, quoted
    generated: Callable[[JsonObject], list[JsonObject]] = scope["collect"]
    return generated


def _has_name(value: JsonObject, names: Set[str]) -> bool:
    name = value.get("__typename")
    return isinstance(name, str) and name in names


def runtime_names(step: OnTypes, schema: GraphQLSchema) -> frozenset[str]:
    """What `__typename` may be: the types named, their possible types, and for an interface object its own name."""
    names = set(step.names)
    for name in step.names:
        named = schema.type_map.get(name)
        if named is not None and is_abstract_type(named):
            names.update(possible.name for possible in schema.get_possible_types(named))
    return frozenset(names)


def _walk(
    steps: FlattenPath,
    value: object,
    path: ResponsePath,
    line: tuple[JsonObject, ...],
    type_names: Mapping[OnTypes, frozenset[str]],
) -> Iterator[tuple[ResponsePath, tuple[JsonObject, ...]]]:
    if isinstance(value, dict) and (not line or line[-1] is not value):
        line = (*line, value)
    match steps:
        case ():
            if isinstance(value, dict):
                yield path, line
        case (Key(name), *rest):
            if isinstance(value, dict):
                yield from _walk(tuple(rest), value.get(name), (*path, name), line, type_names)
        case (EachItem(), *rest):
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield from _walk(tuple(rest), item, (*path, index), line, type_names)
        case (OnTypes() as step, *rest):
            if isinstance(value, dict) and _has_name(value, type_names[step]):
                yield from _walk(tuple(rest), value, path, line, type_names)

"""Merged data -> the response's data, exactly by the specification (6.4.3 Value Completion, 6.4.4 Handling Errors).

The interpreter: walks shape and data together and knows the response path of everything, so it can report. It runs
when the generated code of `generate.py` has met something out of order, and for operations seen for the first time.

* A null, or a value of a wrong type, in a non-null position makes the nearest nullable position above it null.
* Each such null is reported once, and not at all where a subgraph's error already explains it.
* Enum values and types that exist in the supergraph but are hidden from clients become null without an error: the
  subgraph did nothing wrong, and the text of an error would show what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
)

from router.execution.collect import ResponsePath
from router.execution.leaves import NotALeafError, complete_leaf
from router.execution.model import ErrorRecord
from router.execution.shape import Below, FieldShape, ObjectShape, Source

CODE = "RESPONSE_VALIDATION_FAILED"


class _NullError(Exception):
    """Something non-null is null: caught by the nearest nullable position."""


@dataclass(slots=True)
class Completion:
    supergraph_schema: GraphQLSchema  #: all of it, to tell what is hidden from what is wrong
    introspection: Mapping[str, Any]  #: response key -> answer
    explained: Explained
    errors: list[ErrorRecord] = field(default_factory=list)

    def complete_root(self, shape: ObjectShape, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """None when a null reached the root."""
        try:
            return self._object(shape, data, ())
        except _NullError:
            return None

    def _object(self, shape: ObjectShape, value: Mapping[str, Any], path: ResponsePath) -> dict[str, Any]:
        completed: dict[str, Any] = {}
        for one in shape.fields:
            match one.source:
                case Source.TYPENAME:
                    if not shape.is_concrete:
                        self._wrong((*path, one.response_key), _Place(shape.type_name, one), "is not known")
                        raise _NullError
                    completed[one.response_key] = shape.type_name
                case Source.INTROSPECTION:
                    completed[one.response_key] = self.introspection.get(one.response_key)
                case Source.DATA:
                    found = value.get(one.response_key)
                    here = (*path, one.response_key)
                    completed[one.response_key] = self._value(one.type, found, here, _Place(shape.type_name, one))
        return completed

    def _value(self, kind: GraphQLOutputType, value: Any, path: ResponsePath, place: _Place) -> Any:
        """The value of a field or list item. `_NullError` leaves it only when its type is non-null.

        One function for all kinds of types, because answers are as deep as clients like and frames are counted."""
        is_non_null = isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        completed: Any = None
        try:
            if value is None:
                pass
            elif isinstance(inner, GraphQLList):
                if isinstance(value, list):
                    completed = []
                    for index, item in enumerate(value):
                        completed.append(self._value(inner.of_type, item, (*path, index), place))
                else:
                    self._wrong(path, place, "is not a list")
            elif place.field.below is None:
                completed = self._leaf(inner, value, path, place)
            elif (shape := self._shape(place.field.below, value, path, place)) is not None:
                completed = self._object(shape, value, path)
        except _NullError:
            if is_non_null:
                raise
            return None
        if completed is None and is_non_null:
            self._report(path, f"Cannot return null for non-nullable field {place.name}.")
            raise _NullError
        return completed

    def _leaf(self, kind: GraphQLOutputType, value: Any, path: ResponsePath, place: _Place) -> Any:
        named = get_named_type(kind)
        try:
            return complete_leaf(named, value)
        except NotALeafError as exc:
            if not (isinstance(named, GraphQLEnumType) and self._is_hidden_value(named.name, value)):
                self._wrong(path, place, str(exc))
            return None

    def _shape(self, below: Below, value: Any, path: ResponsePath, place: _Place) -> ObjectShape | None:
        if not isinstance(value, dict):
            self._wrong(path, place, "is not an object")
            return None
        type_name = value.get("__typename")
        shape = below.on(type_name)
        if shape is None and not (isinstance(type_name, str) and type_name in self.supergraph_schema.type_map):
            self._wrong(path, place, "has an unknown type")
        return shape

    def _is_hidden_value(self, enum_name: str, value: object) -> bool:
        full = self.supergraph_schema.type_map.get(enum_name)
        return isinstance(full, GraphQLEnumType) and isinstance(value, str) and value in full.values

    def _wrong(self, path: ResponsePath, place: _Place, what: str) -> None:
        self._report(path, f"The value of {place.name} {what}.")

    def _report(self, path: ResponsePath, message: str) -> None:
        if self.explained.covers(path):
            return
        self.explained.add(path)
        self.errors.append({"message": message, "path": list(path), "extensions": {"code": CODE}})


@dataclass(frozen=True, slots=True)
class _Place:
    """The field a value belongs to, however deep in lists it stands."""

    parent_type: str
    field: FieldShape

    @property
    def name(self) -> str:
        return f"{self.parent_type}.{self.field.name}"


class Explained:
    """The places of errors that are reported already. An error above, at or below a place explains why there is
    nothing. Costs the length of a path, however many errors there are."""

    def __init__(self, paths: Iterable[ResponsePath]) -> None:
        self._paths: set[ResponsePath] = set()
        self._above: set[ResponsePath] = set()
        for path in paths:
            self.add(path)

    def add(self, path: ResponsePath) -> None:
        self._paths.add(path)
        self._above.update(path[:length] for length in range(len(path)))

    def covers(self, path: ResponsePath) -> bool:
        return path in self._above or any(path[:length] in self._paths for length in range(len(path) + 1))

"""Objects -> representations for `_entities`: what a subgraph needs to find its part of an entity.

Equal representations are sent once. An object is left out (its slot is -1) when

* no part of `requires` applies to its type;
* a required field never arrived, because the fetch that should have brought it failed: there is an error for that;
* a required field is null though the receiving subgraph declares it non-null: it could not have been sent the value.

A null that the subgraph may receive is sent: `@requires` resolvers have to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, assert_never

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)
from msgspec import Struct

from router.execution.collect import JsonObject
from router.execution.json import dump_json
from router.execution.rewrites import applies, apply_rewrite
from router.plan.nodes import Key, OnTypes, RequiredField, RequiredFragment, RequiredSelection, Rewrite, SetValue

SKIPPED = -1


class Representations(Struct, frozen=True):
    items: list[JsonObject]  #: without duplicates, in order of first appearance
    slots: Sequence[int]  #: for each object the index in `items`, or SKIPPED; a range when all objects differ


_INTERCHANGEABLE = frozenset({"ID", "String", "Int"})


class RepresentationWriter:
    """Reads what `requires` asks for, with one reader for each runtime type, made when it is first met."""

    def __init__(
        self,
        requires: Sequence[RequiredSelection],
        rewrites: Sequence[Rewrite],
        schema: GraphQLSchema,
        target: GraphQLSchema,  #: of the subgraph that receives them
    ) -> None:
        self._requires = requires
        self._rewrites = rewrites
        self._schema = schema
        self._target = target
        self._readers: dict[str | None, _TypeReader | None] = {}

    def sent_as(self, type_name: str | None) -> SentAs | None:
        """None when objects of the type are not sent."""
        return _sent_as(self._requires, self._rewrites, type_name, self._schema, self._target)

    def write(self, objects: Sequence[JsonObject]) -> Representations:
        items: list[JsonObject] = []
        slots: list[int] = []
        seen: dict[object, int] = {}
        for value in objects:
            reader = self._reader_for(value.get("__typename"))
            if reader is None:
                slots.append(SKIPPED)
                continue
            try:
                key = (reader.sent_name, reader.key(value))
                slot = seen.get(key, SKIPPED)
            except (KeyError, TypeError):  # not there, or not of a kind it can be
                slots.append(SKIPPED)
                continue
            if slot == SKIPPED:
                item = reader.item(value)
                if item is not None:
                    slot = len(items)
                    items.append(item)
                seen[key] = slot
            slots.append(slot)
        are_distinct = len(items) == len(objects)
        return Representations(items, range(len(items)) if are_distinct else slots)

    def _reader_for(self, type_name: object) -> _TypeReader | None:
        if type_name is not None and not isinstance(type_name, str):
            return None
        if type_name in self._readers:
            return self._readers[type_name]
        sent = self.sent_as(type_name)
        reader = None if sent is None else _reader(sent, self._schema)
        if type_name is None or type_name in self._schema.type_map:  # what a subgraph invents is not remembered
            self._readers[type_name] = reader
        return reader


@dataclass(frozen=True, slots=True)
class _TypeReader:
    """Reads objects of one type. Both functions raise KeyError when a field never arrived."""

    sent_name: str
    key: Callable[[JsonObject], object]  #: hashable, equal for equal representations
    item: Callable[[JsonObject], JsonObject | None]  #: None: left out


@dataclass(frozen=True, slots=True)
class SentAs:
    """What is sent of objects of one type."""

    name: str  #: `__typename`
    fields: tuple[RequiredField, ...]  #: the others
    types: Mapping[str, GraphQLOutputType]  #: of the fields, as the subgraph that receives them has them
    rewrites: tuple[Rewrite, ...]  #: of what is below the name


def _sent_as(
    requires: Sequence[RequiredSelection],
    rewrites: Sequence[Rewrite],
    type_name: str | None,
    schema: GraphQLSchema,
    target: GraphQLSchema,
) -> SentAs | None:
    fields = fields_for(requires, type_name, schema)
    if type_name is None:
        type_name = _only_interface(requires, schema)
    if not fields or type_name is None:
        return None
    sent_name = _known_name(requires, type_name, schema, target)
    others: list[Rewrite] = []
    for rewrite in rewrites:
        match rewrite:
            case SetValue((OnTypes() as on, Key("__typename")), value):
                if applies(on.names, type_name, schema):
                    sent_name = value
            case SetValue((Key("__typename"),), value):
                sent_name = value
            case _:
                others.append(rewrite)
    target_type = target.type_map.get(sent_name)
    known = target_type.fields if isinstance(target_type, GraphQLObjectType | GraphQLInterfaceType) else {}
    fields = tuple(field for field in fields if field.name != "__typename")
    types = {field.name: known[field.name].type for field in fields if field.name in known}
    return SentAs(sent_name, fields, types, tuple(others))


def is_plain(kind: GraphQLOutputType | None) -> bool:
    """A leaf whose values are equal exactly when they are the same JSON; `1 == True == 1.0` in custom scalars."""
    if kind is None:
        return False
    named = get_named_type(kind)
    return is_leaf_type(kind if not is_non_null_type(kind) else kind.of_type) and (
        named.name in _INTERCHANGEABLE or isinstance(named, GraphQLEnumType)
    )


def _reader(sent: SentAs, schema: GraphQLSchema) -> _TypeReader:
    fields = [
        (field.name, field.source_key, field.selections, is_non_null_type(sent.types.get(field.name)))
        for field in sent.fields
    ]

    def item(value: JsonObject) -> JsonObject | None:
        written: JsonObject = {"__typename": sent.name}
        for name, source_key, selections, is_required in fields:
            found = value[source_key]
            if found is None and is_required:
                return None
            written[name] = select(found, selections, schema) if selections else found
        for rewrite in sent.rewrites:
            apply_rewrite(rewrite, rewrite.path, written, schema)
        return written

    is_flat = not sent.rewrites and not any(field.selections for field in sent.fields)
    if fields and is_flat and all(is_plain(sent.types.get(field.name)) for field in sent.fields):
        return _TypeReader(sent.name, itemgetter(*[source_key for _, source_key, _, _ in fields]), item)
    return _TypeReader(sent.name, lambda value: dump_json(item(value)), item)


def select(value: Any, selections: Sequence[RequiredSelection], schema: GraphQLSchema) -> Any:
    """The part of a value that the selections name. Raises KeyError for what never arrived, TypeError for a scalar
    where an object should be."""
    if value is None or not selections:
        return value
    if isinstance(value, list):
        return [select(item, selections, schema) for item in value]
    if not isinstance(value, dict):
        raise TypeError("a field set that goes on below a scalar")
    fields = fields_for(selections, value.get("__typename"), schema)
    return {field.name: select(value[field.source_key], field.selections, schema) for field in fields}


def fields_for(
    selections: Sequence[RequiredSelection], type_name: object, schema: GraphQLSchema
) -> tuple[RequiredField, ...]:
    """The fields for one runtime type; fields met twice are merged. Without a type name every fragment applies."""
    found: dict[str, RequiredField] = {}
    for selection in selections:
        match selection:
            case RequiredField():
                fields: tuple[RequiredField, ...] = (selection,)
            case RequiredFragment(condition, inner):
                fields = fields_for(inner, type_name, schema) if applies((condition,), type_name, schema) else ()
            case _:
                assert_never(selection)
        for field in fields:
            known = found.get(field.name)
            merged = field if known is None else _merge_fields(known, field)
            found[field.name] = merged
    return tuple(found.values())


def _merge_fields(one: RequiredField, other: RequiredField) -> RequiredField:
    more = tuple(selection for selection in other.selections if selection not in one.selections)
    return RequiredField(one.name, one.source_key, one.selections + more)


def _known_name(
    requires: Sequence[RequiredSelection], type_name: str, schema: GraphQLSchema, target: GraphQLSchema
) -> str:
    """What the receiving subgraph calls the object: it may have the interface as an object and none of its types."""
    if type_name not in target.type_map:
        for selection in requires:
            if isinstance(selection, RequiredFragment) and applies((selection.type_condition,), type_name, schema):
                return selection.type_condition
    return type_name


def _only_interface(requires: Sequence[RequiredSelection], schema: GraphQLSchema) -> str | None:
    """What an object without a type name is sent as: the interface that is an object where it came from. For anything
    else a plan asks for the type; an object that stands at the same place without it is meant for another fetch."""
    names = {selection.type_condition for selection in requires if isinstance(selection, RequiredFragment)}
    name = names.pop() if len(names) == 1 else None
    return name if isinstance(schema.type_map.get(name or ""), GraphQLInterfaceType) else None

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
from typing import Any, TypeAlias, assert_never

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

from router.execution.collect import JsonObject
from router.execution.json import dump_json
from router.execution.rewrites import applies, apply_rewrite
from router.plan.nodes import Key, OnTypes, RequiredField, RequiredFragment, RequiredSelection, Rewrite, SetValue

SKIPPED = -1


@dataclass(slots=True)  # not frozen: made for every request, and so at a third of the cost
class Representations:
    items: list[JsonObject]  #: without duplicates, in order of first appearance
    slots: Sequence[int]  #: for each object the index in `items`, or SKIPPED; a range when all objects differ


#: raises KeyError when a field never arrived; None when the object is left out
_Reader: TypeAlias = Callable[[JsonObject], JsonObject | None]

_INTERCHANGEABLE = frozenset({"ID", "String", "Int"})


class RepresentationWriter:
    """Reads what `requires` asks for, with one generated reader for each runtime type, made when it is first met."""

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
        # mostly all objects are of one type, have all fields and no null where it may not be
        try:
            names = {value["__typename"] for value in objects}
            if len(names) == 1:
                reader = self._reader_for(names.pop())
                if reader is not None and reader.write_all is not None:
                    return Representations(*reader.write_all(objects))
        except (KeyError, TypeError):
            pass
        return self._write_one_by_one(objects)

    def _write_one_by_one(self, objects: Sequence[JsonObject]) -> Representations:
        items: list[JsonObject] = []
        slots: list[int] = []
        seen: dict[object, int] = {}
        for value in objects:
            reader = self._reader_for(value.get("__typename"))
            if reader is None:
                slots.append(SKIPPED)
                continue
            try:
                key = reader.key(value)
                slot = seen.get(key, SKIPPED)
            except (KeyError, TypeError):  # not there, or not of a kind it can be
                slots.append(SKIPPED)
                continue
            if slot == SKIPPED and key is not None:
                item = reader.item(value)
                if item is not None:
                    slot = len(items)
                    items.append(item)
                seen[key] = slot
            slots.append(slot)
        return Representations(items, slots)

    def _reader_for(self, type_name: object) -> _TypeReader | None:
        if type_name is not None and not isinstance(type_name, str):
            return None
        if type_name in self._readers:
            return self._readers[type_name]
        sent = self.sent_as(type_name)
        reader = None if sent is None else _GeneratedReader(sent, self._schema).build()
        if type_name is None or type_name in self._schema.type_map:  # what a subgraph invents is not remembered
            self._readers[type_name] = reader
        return reader


@dataclass(frozen=True, slots=True)
class _TypeReader:
    key: Callable[[JsonObject], object]  #: hashable, equal for equal representations; None: left out
    item: _Reader
    #: items and slots of objects of this type at once; raises KeyError or TypeError when one of them is irregular
    write_all: Callable[[Sequence[JsonObject]], tuple[list[JsonObject], Sequence[int]]] | None = None


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


def is_plain(kind: GraphQLOutputType) -> bool:
    """A leaf whose values are equal exactly when they are the same JSON; `1 == True == 1.0` in custom scalars."""
    named = get_named_type(kind)
    return is_leaf_type(kind if not is_non_null_type(kind) else kind.of_type) and (
        named.name in _INTERCHANGEABLE or isinstance(named, GraphQLEnumType)
    )


class _GeneratedReader:
    """Two functions: `key(v)` collects the values, `item(v)` writes the representation."""

    def __init__(self, sent: SentAs, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._sent_name = sent.name
        self._fields = sent.fields
        self._types = sent.types
        self._rewrites = sent.rewrites

    def build(self) -> _TypeReader:
        if not self._rewrites and all(self._is_plain(field) for field in self._fields):
            return self._plain()

        def item(value: JsonObject) -> JsonObject | None:
            written = self._nested_item(value)
            if written is not None:
                for rewrite in self._rewrites:
                    apply_rewrite(rewrite, rewrite.path, written, self._schema)
            return written

        def key(value: JsonObject) -> object:
            written = item(value)
            return None if written is None else dump_json(written)

        return _TypeReader(key, item)

    def _is_plain(self, field: RequiredField) -> bool:
        kind = self._types.get(field.name)
        return kind is not None and not field.selections and is_plain(kind)

    def _plain(self) -> _TypeReader:
        keys = ", ".join(f"v[{field.source_key!r}]" for field in self._fields)
        members = "".join(f", {field.name!r}: v[{field.source_key!r}]" for field in self._fields)
        required = [field for field in self._fields if is_non_null_type(self._types[field.name])]
        is_null = " or ".join(f"v[{field.source_key!r}] is None" for field in required) or "False"
        source = (
            f"def key(v): return ({self._sent_name!r}, {keys})\n"
            f"def item(v): return None if {is_null} else {{'__typename': {self._sent_name!r}{members}}}\n"
        )
        if self._fields:
            source += self._write_all_source(required)
        scope: dict[str, Any] = {}
        exec(compile(source, "<representations>", "exec"), scope)  # noqa: S102  # made of the plan's own names, quoted
        return _TypeReader(scope["key"], scope["item"], scope.get("write_all"))

    def _write_all_source(self, required: Sequence[RequiredField]) -> str:
        values = [f"v[{field.source_key!r}]" for field in self._fields]
        if len(values) == 1:
            key, places = values[0], ["k"]
            has_null = "None in unique" if required else "False"
        else:
            key, places = f"({', '.join(values)})", [f"k[{index}]" for index in range(len(values))]
            nulls = [f"{places[self._fields.index(field)]} is None" for field in required]
            has_null = f"any([{' or '.join(nulls)} for k in unique])" if required else "False"
        members = "".join(f", {field.name!r}: {at}" for field, at in zip(self._fields, places, strict=True))
        return (
            f"def write_all(objects):\n"
            f" keys = [{key} for v in objects]\n"
            f" unique = dict.fromkeys(keys)\n"
            f" if {has_null}: raise KeyError\n"
            f" items = [{{'__typename': {self._sent_name!r}{members}}} for k in unique]\n"
            f" if len(items) == len(keys): return items, range(len(keys))\n"
            f" for n, k in enumerate(unique): unique[k] = n\n"
            f" return items, [unique[k] for k in keys]\n"
        )

    def _nested_item(self, value: JsonObject) -> JsonObject | None:
        item: JsonObject = {"__typename": self._sent_name}
        for field in self._fields:
            found = value[field.source_key]
            if found is None and is_non_null_type(self._types.get(field.name)):
                return None
            item[field.name] = select(found, field.selections, self._schema)
        return item


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

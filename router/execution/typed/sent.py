"""What is sent of the objects of a place: representations, each once.

Values that are equal exactly when their JSON is are compared as they are; others are compared as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import starmap
from operator import attrgetter
from typing import Any

import msgspec
from graphql import GraphQLSchema, is_non_null_type
from msgspec import UNSET, defstruct
from msgspec import field as json_field

from router.execution.json import dump_typed
from router.execution.representations import SentAs, fields_for, is_plain
from router.execution.typed.errors import NotCoveredError, SurpriseError
from router.execution.typed.place import TYPENAME, Origin, Place, Slot
from router.plan.nodes import RequiredField, RequiredSelection


@dataclass(frozen=True, slots=True)
class Sent:
    kind: tuple[object, ...]  #: equal kinds have keys and items alike
    keys: Callable[[Sequence[Any]], list[Any]]  #: of objects; equal keys for equal representations
    write: Callable[[Iterable[Any]], list[Any]]  #: keys -> representations
    #: objects -> representations; None when two of them may be equal
    write_distinct: Callable[[Sequence[Any]], list[Any] | None]


def compile_sent(place: Place, sent: SentAs, schema: GraphQLSchema) -> Sent:
    if sent.rewrites:
        raise NotCoveredError("representations that are rewritten")
    slots = [_slot(place, field) for field in sent.fields]
    plain = bool(slots) and all(not slot.members and is_plain(slot.type) for slot in slots)
    kind = (sent.name, plain, *(field.name for field in sent.fields))
    if plain:
        return _of_values(kind, sent, slots)
    return _of_json(
        kind, sent, [_reader(slot, field.selections, schema) for slot, field in zip(slots, sent.fields, strict=True)]
    )


def _of_values(kind: tuple[object, ...], sent: SentAs, slots: Sequence[Slot]) -> Sent:
    fields = [(f"k{number}", Any, json_field(name=field.name)) for number, field in enumerate(sent.fields)]
    item_class: Callable[..., Any] = defstruct("Representation", fields, gc=False, tag_field=TYPENAME, tag=sent.name)
    missing: list[tuple[object, Callable[[Any], Any]]] = []  #: what must not be in a field
    for number, (field, slot) in enumerate(zip(sent.fields, slots, strict=True)):
        if is_non_null_type(sent.types.get(field.name)) and not is_non_null_type(slot.type):
            missing.append((None, attrgetter(f"k{number}")))
        if slot.origin is Origin.LATER:
            missing.append((UNSET, attrgetter(f"k{number}")))
    first = attrgetter(slots[0].attribute)
    values = attrgetter(*[slot.attribute for slot in slots])
    call = map if len(slots) == 1 else starmap

    def keys(objects: Sequence[Any]) -> list[Any]:
        return list(map(values, objects))

    def write(keys: Iterable[Any]) -> list[Any]:
        items = list(call(item_class, keys))
        for nothing, get in missing:
            if nothing in map(get, items):
                raise SurpriseError
        return items

    def write_distinct(objects: Sequence[Any]) -> list[Any] | None:
        # when their first values differ the objects do
        return write(map(values, objects)) if len(set(map(first, objects))) == len(objects) else None

    return Sent(kind, keys, write, write_distinct)


def _of_json(kind: tuple[object, ...], sent: SentAs, readers: Sequence[Callable[[Any], Any]]) -> Sent:
    fields = [
        (field.name, read, is_non_null_type(sent.types.get(field.name)))
        for field, read in zip(sent.fields, readers, strict=True)
    ]

    def key(value: Any) -> bytes:
        item = {TYPENAME: sent.name}
        for name, read, is_required in fields:
            item[name] = found = read(value)
            if is_required and found is None:
                raise SurpriseError
        return dump_typed(item)

    def keys(objects: Sequence[Any]) -> list[bytes]:
        return [key(value) for value in objects]

    def write(keys: Iterable[bytes]) -> list[msgspec.Raw]:
        return [msgspec.Raw(text) for text in keys]

    return Sent(kind, keys, write, lambda objects: None)


def _slot(place: Place, field: RequiredField) -> Slot:
    slot = place.slots.get(field.source_key)
    if slot is None or slot.origin not in (Origin.OBJECT, Origin.LATER) or bool(slot.members) != bool(field.selections):
        raise NotCoveredError(f"{place.type_name}.{field.source_key} is not here")
    return slot


def _reader(slot: Slot, selections: Sequence[RequiredSelection], schema: GraphQLSchema) -> Callable[[Any], Any]:
    """An object -> what is sent of one of its fields."""
    attribute = slot.attribute
    readers_by_class = {place.decoded: _readers(place, selections, schema) for place in slot.members}

    def write(value: Any) -> Any:
        if value is UNSET:
            raise SurpriseError
        if value is None or not readers_by_class:
            return value
        if value.__class__ is list:
            return [write(item) for item in value]
        return {name: read(value) for name, read in readers_by_class[value.__class__]}

    return lambda value: write(getattr(value, attribute))


def _readers(
    place: Place, selections: Sequence[RequiredSelection], schema: GraphQLSchema
) -> list[tuple[str, Callable[[Any], Any]]]:
    readers: list[tuple[str, Callable[[Any], Any]]] = []
    for field in fields_for(selections, place.type_name if place.is_named else None, schema):
        if field.source_key == TYPENAME and place.is_named:
            readers.append((field.name, _constant(place.type_name)))
        else:
            readers.append((field.name, _reader(_slot(place, field), field.selections, schema)))
    return readers


def _constant(value: str) -> Callable[[Any], Any]:
    return lambda _: value

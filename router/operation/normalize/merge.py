"""Pass: equal selections side by side become one, in the place of the first.

`{ a { x } b a { y } }` becomes `{ a { x y } b }`. That keeps the response order of the specification, where an object's
keys stand in the order in which they were first met. A field under guards goes into the last one before it that is
there whenever it is, within a fragment for the guards that are left: `{ a { x } a @include(if: $p) { y } }` becomes
`{ a { x ... @include(if: $p) { y } } }`. It stays apart where something between them may hold the same key: in
`{ a @include(if: $p) { x } a @include(if: $q) { y } a @include(if: $p) { z } }` and in
`{ a { x } ... on T { a { y } } a { z } }` the `z` comes after the `y`. Fragments merge only over fragments that cannot
hold together with them, because merging over a field would change the order of keys.
"""

from __future__ import annotations

from dataclasses import replace

from graphql import GraphQLSchema

from router.operation.model import Field, Guard, InlineFragment, Selection, with_selections
from router.operation.types import output_type, possible_types


def merge_selections(selections: tuple[Selection, ...], parent: str, schema: GraphQLSchema) -> tuple[Selection, ...]:
    merged: list[Selection] = []
    fields_at: dict[tuple[str, str], list[int]] = {}  # response key, parent -> places in `merged`
    for selection in selections:
        if isinstance(selection, Field):
            places = fields_at.setdefault((selection.response_key, selection.parent_type), [])
            _add_field(selection, merged, places, schema)
        else:
            _add_fragment(selection, merged, schema)
    return tuple(_merge_inside(selection, schema) for selection in merged)


def _add_field(field: Field, merged: list[Selection], places: list[int], schema: GraphQLSchema) -> None:
    """`places` is where fields of the same key stand."""
    place = _place_of(field, merged, places)
    if place is None:
        places.append(len(merged))
        merged.append(field)
    elif field.selections:
        first = merged[place]
        left = tuple(guard for guard in field.guards if guard not in first.guards)
        output = output_type(schema, field.parent_type, field.name)
        inner = (InlineFragment(output, field.selections, left),) if left else field.selections
        merged[place] = replace(first, selections=first.selections + inner)


def _place_of(field: Field, merged: list[Selection], places: list[int]) -> int | None:
    """Of the field that takes this one in. Where nothing is selected below there is no order to keep there."""
    for place in reversed(places):
        before = merged[place]
        if field.selections and _is_between(place, field, merged):
            return None
        if set(before.guards) <= set(field.guards):
            return place
        if field.selections and not _exclude_each_other(before.guards, field.guards):
            return None
    return None


def _exclude_each_other(some: tuple[Guard, ...], others: tuple[Guard, ...]) -> bool:
    return any(Guard(guard.variable, not guard.expected) in others for guard in some)


def _is_between(place: int, field: Field, merged: list[Selection]) -> bool:
    return any(_holds(selection, field.response_key) for selection in merged[place + 1 :])


def _holds(selection: Selection, response_key: str) -> bool:
    """Whether a fragment selects something under the key."""
    return isinstance(selection, InlineFragment) and any(
        inner.response_key == response_key if isinstance(inner, Field) else _holds(inner, response_key)
        for inner in selection.selections
    )


def _add_fragment(fragment: InlineFragment, merged: list[Selection], schema: GraphQLSchema) -> None:
    possible = possible_types(schema, fragment.type_condition)
    for place in range(len(merged) - 1, -1, -1):
        before = merged[place]
        if isinstance(before, Field):
            break
        if (before.type_condition, before.guards, before.defer) == (
            fragment.type_condition,
            fragment.guards,
            fragment.defer,
        ):
            merged[place] = replace(before, selections=before.selections + fragment.selections)
            return
        if possible & possible_types(schema, before.type_condition):
            break
    merged.append(fragment)


def _merge_inside(selection: Selection, schema: GraphQLSchema) -> Selection:
    if not selection.selections:
        return selection
    if isinstance(selection, InlineFragment):
        parent = selection.type_condition
    else:
        parent = output_type(schema, selection.parent_type, selection.name)
    inner = merge_selections(selection.selections, parent, schema)
    if len(inner) > 1:  # an object of which something is asked needs no mark that nothing is
        inner = tuple(s for s in inner if s.selections or isinstance(s, Field)) or inner[:1]
    return with_selections(selection, inner)

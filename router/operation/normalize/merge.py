"""Pass: equal selections side by side become one, in the place of the first.

`{ a { x } b a { y } }` becomes `{ a { x y } b }`. That keeps the response order of the specification, where an object's
keys stand in the order in which they were first met. Fields under different guards stay apart, except that one which is
always selected takes in a later one that is only sometimes. Fields stay apart, too, when a fragment between them holds
the same key: `{ a { x } ... on T { a { y } } a { z } }` has `x y z` in the `a` of objects of type T. Fragments merge
only over fragments that cannot hold together with them, because merging over a field would change the order of keys.
"""

from __future__ import annotations

from dataclasses import replace

from graphql import GraphQLSchema

from router.operation.model import Field, Guard, InlineFragment, Selection
from router.operation.types import output_type, possible_types


def merge_selections(selections: tuple[Selection, ...], parent: str, schema: GraphQLSchema) -> tuple[Selection, ...]:
    merged: list[Selection] = []
    field_at: dict[tuple[str, tuple[Guard, ...], str], int] = {}  # place in `merged`
    for selection in selections:
        if isinstance(selection, Field):
            _add_field(selection, merged, field_at, schema)
        else:
            _add_fragment(selection, merged, schema)
    return tuple(_merge_inside(selection, schema) for selection in merged)


def _add_field(
    field: Field,
    merged: list[Selection],
    field_at: dict[tuple[str, tuple[Guard, ...], str], int],
    schema: GraphQLSchema,
) -> None:
    always = field_at.get((field.response_key, (), field.parent_type))
    place = field_at.get((field.response_key, field.guards, field.parent_type)) if field.guards else always
    if field.selections:  # what a fragment between them selects below the same key comes first
        always, place = (None if p is not None and _is_between(p, field, merged) else p for p in (always, place))
    if place is not None:
        first = merged[place]
        merged[place] = replace(first, selections=first.selections + field.selections)
    elif always is not None and field.selections:
        first = merged[always]
        guarded = InlineFragment(output_type(schema, field.parent_type, field.name), field.selections, field.guards)
        merged[always] = replace(first, selections=(*first.selections, guarded))
    elif always is None:
        field_at[field.response_key, field.guards, field.parent_type] = len(merged)
        merged.append(field)


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
    return replace(selection, selections=inner)

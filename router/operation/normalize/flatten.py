"""Pass: inline fragments which narrow nothing, guard nothing and defer nothing dissolve into what is around them.

`{ ... on Node { id } }` on an object type `Order implements Node` becomes `{ id }` on `Order`. Fragments on types that
cannot occur here go: `... on Node { ... on Order { … } }` inside `User` selects nothing. Fields get the narrowest
type known as their `parent_type`, so a field inside an object type is always a field of that object type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graphql import GraphQLSchema

from router.operation.model import Field, InlineFragment, Selection, with_selections
from router.operation.types import output_type, possible_types


def flatten_fragments(selections: tuple[Selection, ...], parent: str, schema: GraphQLSchema) -> tuple[Selection, ...]:
    return tuple(_flatten(selections, parent, possible_types(schema, parent), schema))


def _flatten(
    selections: tuple[Selection, ...], parent: str, possible: frozenset[str], schema: GraphQLSchema
) -> Iterator[Selection]:
    """`parent` is the type the selections stand on, `possible` what the value can still be there."""
    for selection in selections:
        if isinstance(selection, Field):
            yield _flatten_field(selection, parent, schema)
            continue
        here = possible & possible_types(schema, selection.type_condition)
        if not here and selection.selections:
            continue
        condition = _narrowest(selection.type_condition, parent, possible, here, schema)
        if condition == parent and not selection.guards and selection.defer is None and selection.selections:
            yield from _flatten(selection.selections, parent, possible, schema)
            continue
        inner = tuple(_flatten(selection.selections, condition, here, schema))
        if inner or not selection.selections:
            yield replace(selection, type_condition=condition, selections=inner)


def _narrowest(
    condition: str, parent: str, possible: frozenset[str], here: frozenset[str], schema: GraphQLSchema
) -> str:
    """The type to go on with: `parent` when it offers every field of `condition` and nothing is narrowed."""
    if here == possible and (parent in here or _offers(parent, condition, schema)):
        return parent
    return next(iter(here)) if len(here) == 1 else condition


def _offers(parent: str, condition: str, schema: GraphQLSchema) -> bool:
    """Whether `parent` has the fields of `condition`. A union, or an interface all of whose types happen to implement
    another, has them not, however many types both have in common."""
    interfaces = getattr(schema.type_map[parent], "interfaces", ())
    return parent == condition or any(interface.name == condition for interface in interfaces)


def _flatten_field(field: Field, parent: str, schema: GraphQLSchema) -> Selection:
    flat = field if field.parent_type == parent else replace(field, parent_type=parent)
    if not field.selections:
        return flat
    output = output_type(schema, parent, field.name)
    inner = tuple(_flatten(field.selections, output, possible_types(schema, output), schema))
    return with_selections(flat, inner or (InlineFragment(output, ()),))

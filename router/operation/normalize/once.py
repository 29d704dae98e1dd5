"""Pass for mutations: whatever its guards, each root field is resolved once, where it is first met.

`{ a @skip(if: $x) { p } b a { q } }` resolves `a { p q }` before `b` when `$x` is false, and `a { q }` after it when
`$x` is true. In a query it does no harm to ask for `a` at both places; here it would happen twice. So the fields of one
response key are written out for each value of the variables in their guards: `{ a @skip(if: $x) { p q } b
a @include(if: $x) { q } }`. Root fields with one occurrence, nearly all there are, stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from graphql import GraphQLSchema

from router.operation.model import Field, Guard, InlineFragment, Selection
from router.operation.normalize.merge import merge_selections

#: variables in the guards of one response key; each doubles the fields written
_MAX_VARIABLES = 6


def resolve_once(selections: tuple[Selection, ...], root: str, schema: GraphQLSchema) -> tuple[Selection, ...]:
    """Takes and gives merged selections. Left alone: selections with `@defer`, and more guards than anybody writes."""
    fields = list(_fields(selections, ()))
    by_key: dict[str, list[int]] = {}
    for place, field in enumerate(fields):
        by_key.setdefault(field.response_key, []).append(place)
    repeated = [places for places in by_key.values() if len(places) > 1]
    if not repeated or any(_is_deferred(selection) for selection in selections):
        return selections
    written: dict[int, list[Field]] = {place: [field] for place, field in enumerate(fields)}
    for places in repeated:
        variables = sorted({guard.variable for place in places for guard in fields[place].guards})
        if len(variables) > _MAX_VARIABLES:
            return selections
        written.update({place: [] for place in places})
        for values in product((False, True), repeat=len(variables)):
            guards = tuple(Guard(variable, value) for variable, value in zip(variables, values, strict=True))
            met = [place for place in places if set(fields[place].guards) <= set(guards)]
            if met:
                inner = tuple(selection for place in met for selection in fields[place].selections)
                written[met[0]].append(replace(fields[met[0]], guards=guards, selections=inner))
    return merge_selections(tuple(field for place in sorted(written) for field in written[place]), root, schema)


def _fields(selections: tuple[Selection, ...], guards: tuple[Guard, ...]) -> Iterator[Field]:
    """All fields with the guards of the fragments around them. A field whose guards contradict is never selected."""
    for selection in selections:
        joined = (*guards, *(guard for guard in selection.guards if guard not in guards))
        if len({guard.variable for guard in joined}) < len(joined):
            continue
        if isinstance(selection, InlineFragment):
            yield from _fields(selection.selections, joined)
        else:
            yield replace(selection, guards=joined)


def _is_deferred(selection: Selection) -> bool:
    return isinstance(selection, InlineFragment) and (
        selection.defer is not None or any(map(_is_deferred, selection.selections))
    )

"""Pass: guards which the selections around already decide.

Inside `... @include(if: $a) { x @include(if: $a) y @skip(if: $a) }` the guard of `x` always holds and is dropped; `y`
can never be selected and goes. Equal guards of one selection are kept once, in a fixed order, so that equal conditions
compare equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graphql import GraphQLSchema

from router.operation.model import Field, Guard, InlineFragment, Selection, with_selections


def settle_guards(selections: tuple[Selection, ...], parent: str, schema: GraphQLSchema) -> tuple[Selection, ...]:
    return tuple(_settle(selections, {}))


def _settle(selections: tuple[Selection, ...], known: dict[str, bool]) -> Iterator[Selection]:
    for selection in selections:
        guards = _open(selection.guards, known)
        if guards is None:
            continue
        inside = {**known, **{guard.variable: guard.expected for guard in guards}} if guards else known
        inner = tuple(_settle(selection.selections, inside))
        if isinstance(selection, Field) and selection.selections and not inner:
            inner = (_nothing_of(selection.selections),)
        if inner or isinstance(selection, Field) or not selection.selections:
            settled = selection if guards == selection.guards else replace(selection, guards=guards)
            yield with_selections(settled, inner)


def _open(guards: tuple[Guard, ...], known: dict[str, bool]) -> tuple[Guard, ...] | None:
    """The guards still undecided; None when one of them cannot hold."""
    undecided: dict[str, bool] = {}
    for guard in guards:
        decided = known.get(guard.variable, undecided.get(guard.variable))
        if decided is None:
            undecided[guard.variable] = guard.expected
        elif decided is not guard.expected:
            return None
    return tuple(Guard(variable, expected) for variable, expected in sorted(undecided.items()))


def _nothing_of(selections: tuple[Selection, ...]) -> InlineFragment:
    first = selections[0]
    return InlineFragment(first.parent_type if isinstance(first, Field) else first.type_condition, ())

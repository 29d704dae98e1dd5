"""The normalised operation: what the planner plans and the executor projects.

In: a validated document and the API schema. Out: one operation as a tree of fields and inline fragments, with
fragments spread, aliases resolved, equal fields merged and constant `@skip`/`@include` folded away. The order of
selections is the order of the client's document, which is the order of the response.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from operator import is_
from typing import TypeAlias

from graphql import DirectiveNode, ValueNode, VariableDefinitionNode


class OperationKind(StrEnum):
    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Guard:
    """A run-time condition on a boolean variable: `@include(if: $v)` is `(v, True)`, `@skip(if: $v)` `(v, False)`."""

    variable: str
    expected: bool


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    value: ValueNode  #: as written; may hold variables


@dataclass(frozen=True, slots=True)
class DeferMark:
    """`@defer(if:, label:)` on a fragment."""

    label: str | None
    variable: str | None  #: the `if:` variable; None when unconditional


@dataclass(frozen=True, slots=True)
class Field:
    """A selected field. Equal `response_key`s under one parent are merged unless their guards differ."""

    response_key: str
    name: str
    parent_type: str  #: the type the field is selected on (object, interface, or union for `__typename`)
    arguments: tuple[Argument, ...] = ()
    guards: tuple[Guard, ...] = ()  #: all must hold
    directives: tuple[DirectiveNode, ...] = ()  #: other executable directives, for subgraphs that define them
    #: Empty for leaves, and for leaves only: an object of which every field is skipped by a constant keeps one
    #: `InlineFragment` on its own type without selections; its value is `{}`.
    selections: tuple[Selection, ...] = ()


@dataclass(frozen=True, slots=True)
class InlineFragment:
    """Selections taken only on some runtime types. Kept only where it narrows, guards or defers."""

    type_condition: str  #: always present; the parent's type when the fragment only guards or defers
    selections: tuple[Selection, ...]
    guards: tuple[Guard, ...] = ()
    defer: DeferMark | None = None


Selection: TypeAlias = Field | InlineFragment


def with_selections(selection: Selection, inner: tuple[Selection, ...]) -> Selection:
    """The selection with others below it; itself where they are the same records."""
    if len(inner) == len(selection.selections) and all(map(is_, inner, selection.selections)):
        return selection
    return replace(selection, selections=inner)


@dataclass(frozen=True, slots=True)
class Operation:
    kind: OperationKind
    name: str | None
    root_type: str  #: name of the root type in the API schema
    variables: tuple[VariableDefinitionNode, ...]  #: only those of this operation, in its order
    selections: tuple[Selection, ...]

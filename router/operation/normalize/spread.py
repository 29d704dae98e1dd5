"""Pass 0: the document's selection sets become model records; fragment spreads become inline fragments.

`@skip`, `@include` and `@defer` turn into guards and marks here. Selections a constant excludes are left out:
`name @skip(if: true)` is gone, `name @include(if: true)` is plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
)

from router.operation.model import Argument, DeferMark, Field, Guard, InlineFragment, Selection
from router.operation.types import output_type

_READ_HERE = frozenset({"skip", "include", "defer"})


def spread_fragments(
    selection_set: SelectionSetNode,
    parent: str,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
) -> tuple[Selection, ...]:
    """A selection set on the type `parent`. A fragment spread twice side by side stands there once."""
    spread: set[tuple[str, tuple[Guard, ...] | None, DeferMark | None]] = set()

    def read() -> Iterator[Selection]:
        for node in selection_set.selections:
            guards = read_guards(node.directives)
            if guards is None:
                continue
            if isinstance(node, FieldNode):
                yield _read_field(node, parent, guards, fragments, schema)
                continue
            defer = _read_defer(node.directives)
            if isinstance(node, FragmentSpreadNode):
                if (node.name.value, guards, defer) in spread:
                    continue
                spread.add((node.name.value, guards, defer))
                fragment = fragments[node.name.value]
                condition, inner = fragment.type_condition.name.value, fragment.selection_set
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else parent
                inner = node.selection_set
            else:
                continue  # there is no fourth kind of selection
            selections = spread_fragments(inner, condition, fragments, schema)
            if selections:
                yield InlineFragment(condition, selections, guards, defer)

    return tuple(read())


def read_guards(directives: Sequence[DirectiveNode] | None) -> tuple[Guard, ...] | None:
    """`@skip` and `@include` of one selection; None when a constant excludes it."""
    guards: list[Guard] = []
    for directive in directives or ():
        if directive.name.value not in ("skip", "include"):
            continue
        wanted = directive.name.value == "include"
        value = (directive.arguments or ())[0].value
        if isinstance(value, VariableNode):
            guards.append(Guard(value.name.value, wanted))
        elif isinstance(value, BooleanValueNode) and value.value is not wanted:
            return None
    return tuple(guards)


def _read_defer(directives: Sequence[DirectiveNode] | None) -> DeferMark | None:
    """The mark of `@defer`; None without it or with `if: false`."""
    for directive in directives or ():
        if directive.name.value != "defer":
            continue
        values = {argument.name.value: argument.value for argument in directive.arguments or ()}
        label, condition = values.get("label"), values.get("if")
        if isinstance(condition, BooleanValueNode) and not condition.value:
            return None
        return DeferMark(
            label.value if isinstance(label, StringValueNode) else None,
            condition.name.value if isinstance(condition, VariableNode) else None,
        )
    return None


def _read_field(
    node: FieldNode,
    parent: str,
    guards: tuple[Guard, ...],
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
) -> Field:
    name = node.name.value
    selections: tuple[Selection, ...] = ()
    if node.selection_set:
        output = output_type(schema, parent, name)
        selections = spread_fragments(node.selection_set, output, fragments, schema)
        selections = selections or (InlineFragment(output, ()),)
    return Field(
        response_key=node.alias.value if node.alias else name,
        name=name,
        parent_type=parent,
        arguments=tuple(Argument(argument.name.value, argument.value) for argument in node.arguments or ()),
        guards=guards,
        directives=tuple(d for d in node.directives or () if d.name.value not in _READ_HERE),
        selections=selections,
    )

"""Field sets (`id organization { id }`) as selections.

In: the text of a `fields:` argument, the type it is taken on and the subgraph that says it, whose fields may have
narrower types than clients see. Out: the same records the client's operation is made of, so that keys, requirements
and client selections are planned by the same search. Parsed once per schema; the query graph keeps every parsed set
alive, so that its identity can be a cache key.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    parse,
)

from router.operation.model import Argument, Field, InlineFragment, Selection
from router.supergraph import InvalidSupergraphError, TypeInfo

Selections = tuple[Selection, ...]


def named_type(type_text: str) -> str:
    """`[Product!]!` -> `Product`."""
    return type_text.strip("[]!")


def list_depth(type_text: str) -> int:
    """How many lists a value of this type is wrapped in."""
    return type_text.count("[")


def parse_field_set(text: str, type_name: str, subgraph: str, types: Mapping[str, TypeInfo]) -> Selections:
    """Raises InvalidSupergraphError for a set that is not GraphQL or names fields which the type lacks."""
    stripped = text.strip()
    source = stripped if stripped.startswith("{") else f"{{{stripped}}}"
    try:
        document = parse(source, no_location=True)
    except GraphQLError as exc:
        raise InvalidSupergraphError(f'The field set "{text}" of "{type_name}" is not GraphQL: {exc.message}') from exc
    operation = document.definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        raise InvalidSupergraphError(f'The field set "{text}" of "{type_name}" is not a selection.')
    return _selections(operation.selection_set, type_name, subgraph, types)


def _selections(node: SelectionSetNode, type_name: str, subgraph: str, types: Mapping[str, TypeInfo]) -> Selections:
    merged: dict[tuple[str, str], Selection] = {}
    for item in node.selections:
        selection = _selection(item, type_name, subgraph, types)
        if isinstance(selection, Field):
            key = ("field", selection.response_key)
        else:
            key = ("fragment", selection.type_condition)
        before = merged.get(key)
        merged[key] = selection if before is None else _join(before, selection)
    return tuple(merged.values())


def _selection(node: SelectionNode, type_name: str, subgraph: str, types: Mapping[str, TypeInfo]) -> Selection:
    match node:
        case FieldNode():
            name = node.name.value
            arguments = tuple(Argument(a.name.value, a.value) for a in node.arguments or ())
            info = types[type_name].fields.get(name) if type_name in types else None
            if info is None and name != "__typename":
                raise InvalidSupergraphError(f'A field set takes "{type_name}.{name}", which does not exist.')
            if info is None or node.selection_set is None:
                return Field(name, name, type_name, arguments)
            own = info.by_subgraph.get(subgraph, info)
            children = _selections(node.selection_set, named_type(own.type), subgraph, types)
            return Field(name, name, type_name, arguments, selections=children)
        case InlineFragmentNode():
            condition = node.type_condition.name.value if node.type_condition else type_name
            return InlineFragment(condition, _selections(node.selection_set, condition, subgraph, types))
        case _:
            raise InvalidSupergraphError(f'A field set of "{type_name}" spreads a fragment by name.')


def _join(one: Selection, other: Selection) -> Selection:
    match one, other:
        case Field(), Field():
            return Field(
                one.response_key, one.name, one.parent_type, one.arguments, selections=one.selections + other.selections
            )
        case InlineFragment(), InlineFragment():
            return InlineFragment(one.type_condition, one.selections + other.selections)
        case _:
            return one

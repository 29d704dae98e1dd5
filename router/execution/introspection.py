"""`__schema` and `__type`: answered from the API schema, no subgraph involved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    execute_sync,
)

from router.execution.shape import INTROSPECTION_FIELDS, Guards
from router.operation.model import Field, Guard, Operation, Selection


def introspection_document(operation: Operation, guards: Guards) -> DocumentNode | None:
    """The part of the operation that asks for the schema, under one assignment of its guards; None if there is none."""
    asked = tuple(_schema_fields(operation.selections, guards))
    if not asked:
        return None
    definition = OperationDefinitionNode(
        operation=OperationType.QUERY,
        variable_definitions=operation.variables,
        directives=(),
        selection_set=SelectionSetNode(selections=_nodes(asked, guards)),
    )
    return DocumentNode(definitions=(definition,))


def introspect(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Response key -> answer."""
    result = execute_sync(schema, document, variable_values=dict(variables))
    return result.data or {}


def _schema_fields(selections: Sequence[Selection], guards: Guards) -> list[Field]:
    found: list[Field] = []
    for selection in selections:
        if not _holds(selection.guards, guards):
            continue
        if not isinstance(selection, Field):
            found.extend(_schema_fields(selection.selections, guards))
        elif selection.name in INTROSPECTION_FIELDS:
            found.append(selection)
    return found


def _nodes(selections: Sequence[Selection], guards: Guards) -> tuple[SelectionNode, ...]:
    return tuple(_node(selection, guards) for selection in selections if _holds(selection.guards, guards))


def _node(selection: Selection, guards: Guards) -> SelectionNode:
    below = SelectionSetNode(selections=_nodes(selection.selections, guards)) if selection.selections else None
    if isinstance(selection, Field):
        return FieldNode(
            name=NameNode(value=selection.name),
            alias=NameNode(value=selection.response_key) if selection.response_key != selection.name else None,
            arguments=tuple(
                ArgumentNode(name=NameNode(value=argument.name), value=argument.value)
                for argument in selection.arguments
            ),
            directives=(),
            selection_set=below,
        )
    return InlineFragmentNode(
        type_condition=NamedTypeNode(name=NameNode(value=selection.type_condition)),
        directives=(),
        selection_set=below or SelectionSetNode(selections=()),
    )


def _holds(own: Sequence[Guard], guards: Guards) -> bool:
    return all(guards[guard.variable] == guard.expected for guard in own)

"""From a validated document to one normalised operation.

`spread` makes the tree out of the document; every later pass takes a tree and gives a smaller one that answers the
same. Each pass is one file and can be read, tested and left out alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from graphql import DocumentNode, GraphQLSchema, OperationType

from router.errors import GRAPHQL_VALIDATION_FAILED, refuse
from router.operation.model import Operation, OperationKind, Selection
from router.operation.normalize.flatten import flatten_fragments
from router.operation.normalize.merge import merge_selections
from router.operation.normalize.once import resolve_once
from router.operation.normalize.select import select_operation
from router.operation.normalize.settle import settle_guards
from router.operation.normalize.spread import spread_fragments

Pass: TypeAlias = Callable[[tuple[Selection, ...], str, GraphQLSchema], tuple[Selection, ...]]

#: In this order: settled guards let fragments fall away, and flat fragments bring equal fields together.
PASSES: tuple[Pass, ...] = (settle_guards, flatten_fragments, merge_selections)


def normalize_operation(
    document: DocumentNode, api_schema: GraphQLSchema, operation_name: str | None = None
) -> Operation:
    """The operation of that name, or the only one. Raises `RequestError` when there is no such operation.

    The document must have passed `validate_document`; the cost is linear in the selections counted there."""
    definition, fragments = select_operation(document, operation_name)
    root = api_schema.get_root_type(definition.operation)
    if root is None:
        raise refuse(GRAPHQL_VALIDATION_FAILED, f"The schema has no {definition.operation.value} type.")
    selections = spread_fragments(definition.selection_set, root.name, fragments, api_schema)
    for run in PASSES:
        selections = run(selections, root.name, api_schema)
    if definition.operation is OperationType.MUTATION:
        selections = resolve_once(selections, root.name, api_schema)
    return Operation(
        kind=OperationKind(definition.operation.value),
        name=definition.name.value if definition.name else None,
        root_type=root.name,
        variables=definition.variable_definitions or (),
        selections=selections,
    )

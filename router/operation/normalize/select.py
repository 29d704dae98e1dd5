"""Which operation of the document is meant, and the fragments it may spread."""

from __future__ import annotations

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

from router.errors import GRAPHQL_UNKNOWN_OPERATION_NAME, refuse

_QUOTED_LENGTH = 80  #: of the client's own name in the message, characters


def select_operation(
    document: DocumentNode, operation_name: str | None
) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    """By name, or without one the only operation. An empty name is no name, as for most clients."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    if not operation_name:
        if len(operations) == 1:
            return operations[0], fragments
        if not operations:
            raise refuse(GRAPHQL_UNKNOWN_OPERATION_NAME, "Must provide an operation.")
        raise refuse(
            GRAPHQL_UNKNOWN_OPERATION_NAME, "Must provide operation name if query contains multiple operations."
        )
    for operation in operations:
        if operation.name and operation.name.value == operation_name:
            return operation, fragments
    raise refuse(GRAPHQL_UNKNOWN_OPERATION_NAME, f'Unknown operation named "{operation_name[:_QUOTED_LENGTH]}"')

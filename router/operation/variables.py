"""The client's variables, checked and completed.

In: JSON values as received. Out: JSON values again, with defaults filled in, ready to be forwarded to subgraphs.
Enums stay names and custom scalars stay as they came, because the API schema is built from SDL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, GraphQLSchema, VariableDefinitionNode, print_ast
from graphql.execution import get_variable_values

from router.errors import VALIDATION_INVALID_TYPE_VARIABLE, RequestError, ResponseError
from router.operation.model import Operation

_MAX_ERRORS = 10


def coerce_variables(operation: Operation, api_schema: GraphQLSchema, raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values by variable name; a nullable variable that was not sent and has no default is absent.

    Variables the operation does not declare are dropped. Raises `RequestError` with one error per bad value; messages
    name the place and the type expected, never the value, which may be a password."""
    if not operation.variables:
        return {}
    values = get_variable_values(
        api_schema, operation.variables, dict(raw or {}), max_errors=_MAX_ERRORS, hide_suggestions=True
    )
    if isinstance(values, list):
        raise RequestError([_as_error(error) for error in values])
    return values.coerced


def _as_error(error: GraphQLError) -> ResponseError:
    definition = error.nodes[0] if error.nodes else None
    if not isinstance(definition, VariableDefinitionNode):
        return ResponseError.from_graphql(VALIDATION_INVALID_TYPE_VARIABLE, error)
    name = definition.variable.name.value
    place, _, _ = error.message.partition(": ")  # what follows would quote the value
    text = f"{place}; the variable's type is '{print_ast(definition.type)}'."
    return ResponseError(VALIDATION_INVALID_TYPE_VARIABLE, text, extensions={"name": name})

"""The client's variables, checked and completed.

In: JSON values as received. Out: JSON values again, with defaults filled in, ready to be forwarded to subgraphs.
Enums stay names and custom scalars stay as they came, because the API schema is built from SDL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    VariableDefinitionNode,
    print_ast,
)
from graphql.execution import get_variable_values

from router.errors import VALIDATION_INVALID_TYPE_VARIABLE, RequestError, ResponseError
from router.operation.model import Operation

_MAX_ERRORS = 10
_ABSENT: Any = object()
_INT_LIMIT = 1 << 31
_PYTHON_TYPES: Mapping[str, type] = {"Int": int, "String": str, "ID": str, "Boolean": bool, "Float": float}


class VariableCoercion:
    """The coercion of one operation's variables, prepared. Values of built-in scalars which are already as they should
    be pass at once; everything else goes the specification's way."""

    __slots__ = ("_api_schema", "_definitions", "_simple")

    def __init__(self, operation: Operation, api_schema: GraphQLSchema) -> None:
        self._definitions = operation.variables
        self._api_schema = api_schema
        #: (name, Python type, whether null is refused); None when some variable is not that simple
        self._simple: list[tuple[str, type, bool]] | None = []
        for definition in operation.variables:
            is_required = isinstance(definition.type, NonNullTypeNode)
            named = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
            python_type = _PYTHON_TYPES.get(named.name.value) if isinstance(named, NamedTypeNode) else None
            if python_type is None or definition.default_value is not None:
                self._simple = None
                break
            self._simple.append((definition.variable.name.value, python_type, is_required))

    def coerce(self, raw: Mapping[str, Any] | None) -> dict[str, Any]:
        """See `coerce_variables`."""
        if not self._definitions:
            return {}
        values = self._coerce_simple(raw or {})
        return self._coerce_fully(raw or {}) if values is None else values

    def _coerce_simple(self, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._simple is None:
            return None
        values: dict[str, Any] = {}
        for name, python_type, is_required in self._simple:
            value = raw.get(name, _ABSENT)
            if type(value) is python_type:
                if isinstance(value, int) and not -_INT_LIMIT <= value < _INT_LIMIT:
                    return None
                values[name] = value
            elif is_required or (value is not None and value is not _ABSENT):
                return None
            elif value is None:
                values[name] = None
        return values

    def _coerce_fully(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        values = get_variable_values(
            self._api_schema, self._definitions, dict(raw), max_errors=_MAX_ERRORS, hide_suggestions=True
        )
        if isinstance(values, list):
            raise RequestError([_as_error(error) for error in values])
        return values.coerced


def coerce_variables(operation: Operation, api_schema: GraphQLSchema, raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values by variable name; a nullable variable that was not sent and has no default is absent.

    Variables the operation does not declare are dropped. Raises `RequestError` with one error per bad value; messages
    name the place and the type expected, never the value, which may be a password."""
    return VariableCoercion(operation, api_schema).coerce(raw)


def _as_error(error: GraphQLError) -> ResponseError:
    definition = error.nodes[0] if error.nodes else None
    if not isinstance(definition, VariableDefinitionNode):
        return ResponseError.from_graphql(VALIDATION_INVALID_TYPE_VARIABLE, error)
    name = definition.variable.name.value
    place, _, _ = error.message.partition(": ")  # what follows would quote the value
    text = f"{place}; the variable's type is '{print_ast(definition.type)}'."
    return ResponseError(VALIDATION_INVALID_TYPE_VARIABLE, text, extensions={"name": name})

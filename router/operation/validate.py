"""Does the document fit the API schema, and is it small enough to serve?

In: a parsed document. Out: errors, none when it may be normalised. The rules are graphql-core's, except for the merging
of overlapping fields (`overlap.py`). Limits come first: they bound the work of the rules.
"""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    specified_rules,
    validate,
)
from graphql.validation import OverlappingFieldsCanBeMergedRule

from router.errors import GRAPHQL_VALIDATION_FAILED, ResponseError
from router.operation.limits import DocumentLimits
from router.operation.measure import check_limits
from router.operation.overlap import find_conflict

_RULES = tuple(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule)


def validate_document(
    document: DocumentNode, api_schema: GraphQLSchema, limits: DocumentLimits | None = None
) -> tuple[ResponseError, ...]:
    """Every operation of the document is checked. At most `limits.max_errors` errors, one per distinct message, without
    suggestions: a name that is nearly right must not tell the right one to a stranger."""
    limits = limits or DocumentLimits()
    if errors := check_limits(document, limits):
        return errors[: limits.max_errors]
    if errors := _by_rules(document, api_schema, limits.max_errors):
        return errors
    return _by_overlap(document, api_schema)


def _by_rules(document: DocumentNode, api_schema: GraphQLSchema, max_errors: int) -> tuple[ResponseError, ...]:
    try:
        found = validate(api_schema, document, _RULES, max_errors=100, hide_suggestions=True)
    except RecursionError:
        found = [GraphQLError("The document is nested too deeply.")]
    # the first of equal messages: a thousand unknown directives are one mistake
    distinct = {error.message: error for error in reversed(found)}
    first = [error for error in found if distinct[error.message] is error][:max_errors]
    return tuple(ResponseError.from_graphql(GRAPHQL_VALIDATION_FAILED, error) for error in first)


def _by_overlap(document: DocumentNode, api_schema: GraphQLSchema) -> tuple[ResponseError, ...]:
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            conflict = find_conflict(definition, fragments, api_schema)
            if conflict:
                return (conflict,)
    return ()

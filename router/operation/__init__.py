"""A client's text becomes an operation the planner can plan: parse, validate, normalise, coerce variables."""

from router.operation.limits import DocumentLimits
from router.operation.normalize import normalize_operation
from router.operation.parse import parse_document
from router.operation.validate import validate_document
from router.operation.variables import VariableCoercion, coerce_variables

__all__ = [
    "DocumentLimits",
    "VariableCoercion",
    "coerce_variables",
    "normalize_operation",
    "parse_document",
    "validate_document",
]

"""Text to a prepared operation: parsed, checked, normalised, once per text and operation name.

What was refused is remembered as well, so that repeating a bad query costs what repeating a good one does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from graphql import GraphQLSchema

from common.lru import LruMap
from router.errors import RECURSION_LIMIT_EXCEEDED, RequestError, refuse
from router.execution.compiled import CompiledPlan
from router.operation import DocumentLimits, VariableCoercion, normalize_operation, parse_document, validate_document
from router.operation.model import Field, Operation, Selection
from router.pipeline.authorize import Granted
from router.pipeline.offload import Offload
from router.plan.nodes import QueryPlan

_LONG = 2_000  #: characters; shorter texts are prepared in a few milliseconds
_LONGEST_KEY = 8_192  #: characters; longer texts are known by their digest
_VARIANTS = 16  #: plans kept for one operation, by override labels and by what the caller may see; grants likewise


@dataclass(frozen=True, slots=True)
class Planned:
    plan: QueryPlan
    compiled: CompiledPlan


@dataclass(frozen=True, slots=True, eq=False)
class PreparedOperation:
    operation: Operation
    has_introspection: bool
    coercion: VariableCoercion
    is_long: bool  #: worth a thread
    whole: Granted  #: to who may have all of it
    plans: LruMap[object, Planned] = field(default_factory=lambda: LruMap(_VARIANTS))
    grants: LruMap[object, Granted] = field(default_factory=lambda: LruMap(_VARIANTS))  #: by what a caller may see


class Documents:
    """The cache in front of parsing, bounded by count; every entry is bounded by the limits."""

    def __init__(self, api_schema: GraphQLSchema, limits: DocumentLimits, max_count: int, offload: Offload) -> None:
        self._api_schema = api_schema
        self._limits = limits
        self._offload = offload
        self._known: LruMap[tuple[str | bytes, str | None], PreparedOperation | RequestError] = LruMap(max_count)

    def known(self, text: str, operation_name: str | None) -> PreparedOperation | None:
        """What `prepare` would give, if it would give it at once."""
        known = self._known.get((text, operation_name)) if len(text) <= _LONGEST_KEY else None
        return known if isinstance(known, PreparedOperation) else None

    async def prepare(self, text: str, operation_name: str | None) -> PreparedOperation:
        """Raises RequestError."""
        digest = text if len(text) <= _LONGEST_KEY else hashlib.sha256(text.encode()).digest()
        key = (digest, operation_name)
        known = self._known.get(key)
        if known is None:
            if len(text) < _LONG:
                known = self._prepare(text, operation_name)
            else:
                known = await self._offload.run(key, lambda: self._prepare(text, operation_name))
            self._known.put(key, known)
        if isinstance(known, RequestError):
            raise RequestError(known.errors, known.headers)
        return known

    def __len__(self) -> int:
        return len(self._known)

    def _prepare(self, text: str, operation_name: str | None) -> PreparedOperation | RequestError:
        try:
            document = parse_document(text, self._limits)
            errors = validate_document(document, self._api_schema, self._limits)
            if errors:
                return RequestError(errors)
            operation = normalize_operation(document, self._api_schema, operation_name)
        except RequestError as refusal:
            return RequestError(refusal.errors, refusal.headers)  # without the traceback, which holds the document
        except RecursionError:
            return refuse(RECURSION_LIMIT_EXCEEDED, "The document is nested too deeply.")
        return PreparedOperation(
            operation,
            _has_introspection(operation.selections),
            VariableCoercion(operation, self._api_schema),
            is_long=len(text) >= _LONG,
            whole=Granted(operation, operation),
        )


def _has_introspection(selections: tuple[Selection, ...]) -> bool:
    """Whether `__schema` or `__type` is asked for; they stand at the root, or in fragments there."""
    return any(
        selection.name in ("__schema", "__type")
        if isinstance(selection, Field)
        else _has_introspection(selection.selections)
        for selection in selections
    )

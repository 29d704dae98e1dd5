"""How big a document is once its fragments are spread: depth, height, aliases, root fields, selections.

One walk over what the normaliser will meet. It stops at the limits, so its cost is bounded whatever the fragments
multiply to (24 fragments which each spread the next one twice are 16 million selections in 600 bytes).

Apollo's meanings: depth counts nested fields; height counts the distinct response keys of every selection set; aliases
are counted wherever they come to stand; root fields are the distinct response keys at the root. A fragment spread twice
in one selection set counts once, as it executes once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from router.errors import (
    MAX_ALIASES_LIMIT,
    MAX_DEPTH_LIMIT,
    MAX_HEIGHT_LIMIT,
    MAX_ROOT_FIELDS_LIMIT,
    MAX_SELECTIONS_LIMIT,
    ErrorCode,
    ResponseError,
)
from router.operation.limits import DEEPEST_NESTING, DocumentLimits

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Size:
    depth: int = 0
    height: int = 0
    aliases: int = 0
    root_fields: int = 0
    selections: int = 0


class _TooBigError(Exception):
    """The walk met more than any configuration allows."""

    def __init__(self, error: ResponseError) -> None:
        super().__init__(error.message)
        self.error = error


def check_limits(document: DocumentNode, limits: DocumentLimits) -> tuple[ResponseError, ...]:
    """Errors of every operation in the document; empty when all is within the limits.

    With `warn_only` just the limits which protect the router itself are reported."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    errors: list[ResponseError] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            try:
                size = measure_operation(definition, fragments, limits.max_selections)
            except _TooBigError as stop:
                return (stop.error,)
            errors += _exceeded(size, limits)
    if limits.warn_only:
        for error in errors:
            logger.warning("an operation is over a limit that is not enforced: %s", error.message)
        return ()
    return tuple(errors)


def measure_operation(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode], max_selections: int
) -> Size:
    """Measure one operation. Unknown and circular spreads count nothing; validation reports them."""
    size = Size()
    size.root_fields = _measure(operation.selection_set, 1, set(), set(), fragments, (), size, max_selections)
    return size


def _measure(
    selection_set: SelectionSetNode,
    depth: int,
    keys: set[str],
    spread: set[str],
    fragments: dict[str, FragmentDefinitionNode],
    enclosing: tuple[str, ...],
    size: Size,
    max_selections: int,
) -> int:
    """Add one selection set to `size`; gives the number of distinct response keys in `keys` after it.

    `keys` and `spread` belong to the whole response object, so fragments inside it share them; `enclosing` names the
    fragments around, for circles."""
    if depth + len(enclosing) > DEEPEST_NESTING:
        raise _TooBigError(
            ResponseError(MAX_DEPTH_LIMIT, f"The operation nests more than {DEEPEST_NESTING} fields and fragments.")
        )
    for selection in selection_set.selections:
        size.selections += 1
        if size.selections > max_selections:
            raise _TooBigError(
                ResponseError(MAX_SELECTIONS_LIMIT, f"The operation has more than {max_selections} selections.")
            )
        if isinstance(selection, FieldNode):
            key = selection.alias.value if selection.alias else selection.name.value
            size.aliases += selection.alias is not None
            size.height += key not in keys
            keys.add(key)
            size.depth = max(size.depth, depth)
            if selection.selection_set:
                _measure(selection.selection_set, depth + 1, set(), set(), fragments, enclosing, size, max_selections)
        elif isinstance(selection, InlineFragmentNode):
            _measure(selection.selection_set, depth, keys, spread, fragments, enclosing, size, max_selections)
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in fragments and name not in spread and name not in enclosing:
                spread.add(name)
                inner = fragments[name].selection_set
                _measure(inner, depth, keys, spread, fragments, (*enclosing, name), size, max_selections)
    return len(keys)


def _exceeded(size: Size, limits: DocumentLimits) -> list[ResponseError]:
    checks: tuple[tuple[ErrorCode, str, int, int | None], ...] = (
        (MAX_DEPTH_LIMIT, "Maximum depth limit exceeded in this operation", size.depth, limits.max_depth),
        (MAX_HEIGHT_LIMIT, "Maximum height (field count) limit exceeded", size.height, limits.max_height),
        (MAX_ALIASES_LIMIT, "Maximum aliases limit exceeded in this operation", size.aliases, limits.max_aliases),
        (MAX_ROOT_FIELDS_LIMIT, "Maximum root fields limit exceeded", size.root_fields, limits.max_root_fields),
    )
    return [
        ResponseError(code, f"{text}: {found} of {allowed} allowed")
        for code, text, found, allowed in checks
        if allowed is not None and found > allowed
    ]

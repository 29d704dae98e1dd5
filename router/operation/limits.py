"""What a client's document may cost before anything is spent on it.

Keys and meanings are those of Apollo Router's `limits:`; `max_selections`, `max_errors` and the byte limit are ours.
Apollo's defaults leave the four operation limits off; ours are on, at sizes no hand-written client reaches.
"""

from __future__ import annotations

from dataclasses import dataclass

#: graphql-core's parser, this room's passes and the planner recurse; deeper documents would exhaust the stack.
DEEPEST_NESTING = 200


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    max_bytes: int = 1_000_000  #: UTF-8 bytes of the document
    parser_max_tokens: int = 15_000
    parser_max_recursion: int = DEEPEST_NESTING  #: brackets inside brackets; larger values do not go beyond 200
    max_depth: int | None = 100
    max_height: int | None = None
    max_aliases: int | None = 500
    max_root_fields: int | None = 20
    #: Fields and fragments met when every fragment is spread where it is used: the size of the normalised operation
    #: before merging. Bounds the work of every later stage, whatever fragments multiply to.
    max_selections: int = 5_000
    warn_only: bool = False  #: log the operation limits instead of refusing; `max_selections` is refused all the same
    max_errors: int = 10  #: validation errors reported in one answer

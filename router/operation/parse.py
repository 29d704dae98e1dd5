"""Text to document, in bounded time.

In: what the client sent as `query`. Out: graphql-core's document. A scan with one regular expression counts tokens and
brackets first, because it is some thirty times cheaper per token than the parser: a megabyte of `a{a{a{…` is refused
after 15,000 tokens, in milliseconds, without building a single node.
"""

from __future__ import annotations

import re

from graphql import DocumentNode, GraphQLSyntaxError, parse

from router.errors import (
    MISSING_QUERY_STRING,
    PARSING_ERROR,
    RECURSION_LIMIT_EXCEEDED,
    TOKEN_LIMIT_EXCEEDED,
    RequestError,
    ResponseError,
    refuse,
)
from router.operation.limits import DEEPEST_NESTING, DocumentLimits

#: Tokens as the parser cuts them, or fewer: strings and comments whole, so that brackets in them are none.
#: A string which never closes runs to the end of its line (a block string: of the text), so that no input makes the
#: scan return to a place it has seen; the parser reports it. Possessive repeats keep it from trying.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?|"(?:[^"\\\n]|\\[^\n])*+"?|#[^\n]*+|[{\[(]|[}\])]|[\w.+-]++|[^\s,"#]',
    re.DOTALL,
)
_OPENING = frozenset("{[(")
_CLOSING = frozenset("}])")


def parse_document(text: str, limits: DocumentLimits) -> DocumentNode:
    """Parse an executable document. Raises `RequestError` for anything else, and for one over the limits."""
    _check_size(text, limits)
    try:
        return parse(text, max_tokens=limits.parser_max_tokens)
    except GraphQLSyntaxError as error:
        raise RequestError((ResponseError.from_graphql(PARSING_ERROR, error),)) from None
    except RecursionError:
        raise refuse(RECURSION_LIMIT_EXCEEDED, "The document is nested too deeply.") from None


def _check_size(text: str, limits: DocumentLimits) -> None:
    if not text.strip():
        raise refuse(MISSING_QUERY_STRING, "Must provide query string.")
    if len(text) > limits.max_bytes:
        raise refuse(TOKEN_LIMIT_EXCEEDED, f"The document is longer than {limits.max_bytes} bytes.")
    deepest = min(limits.parser_max_recursion, DEEPEST_NESTING)
    tokens_left = limits.parser_max_tokens
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0] == "#":
            continue
        tokens_left -= 1
        if tokens_left < 0:
            raise refuse(TOKEN_LIMIT_EXCEEDED, f"The document has more than {limits.parser_max_tokens} tokens.")
        if token in _OPENING:
            depth += 1
            if depth > deepest:
                raise refuse(RECURSION_LIMIT_EXCEEDED, f"The document is nested more than {deepest} levels deep.")
        elif token in _CLOSING:
            depth -= 1

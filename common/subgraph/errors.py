"""Errors of a GraphQL answer: which ones a client may read, and under which stable `extensions.code`.

Resolvers raise errors of `common.errors` or the ones below. Anything else is a bug or an outage: it is logged with its
traceback and leaves as INTERNAL_ERROR with a generic text.
"""

from typing import Any

import asyncpg
import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import MaskErrors
from tortoise.exceptions import DBConnectionError

from common.errors import (
    BadInputError,
    CircuitOpenError,
    ConflictError,
    DeadlineExceededError,
    InternalError,
    PunnetError,
    RateLimitedError,
    UnavailableError,
)

log = structlog.get_logger(__name__)

#: the database is away, restarting or overrun, or a transaction lost a race: nothing was committed
OUTAGES = (
    OSError,
    DBConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InterfaceError,
    # what a statement gets whose connection dies at the wrong moment
    asyncpg.InternalClientError,
)


#: when a repetition whose first request is still running may come again
RETRY_AFTER_MS = 1000


class InvalidCursorError(BadInputError):
    """Not a cursor of this list, or one taken under another filter or order."""

    code = "INVALID_CURSOR"


class PageSizeTooLargeError(BadInputError):
    code = "PAGE_SIZE_TOO_LARGE"


class IdempotencyConflictedError(ConflictError):
    """The idempotency key was used before, for another request."""

    code = "IDEMPOTENCY_CONFLICT"


class IdempotencyInFlightError(ConflictError):
    """The first request with this key is still running; the same request may be sent again in a moment."""

    code = "IDEMPOTENCY_IN_FLIGHT"
    is_retryable = True

    def __init__(self) -> None:
        super().__init__(
            "The first request with this idempotency key is still running.", details={"retryAfterMs": RETRY_AFTER_MS}
        )


def present(error: GraphQLError) -> GraphQLError:
    """The error as the client sees it: same path and locations, safe text, always a code."""
    original = error.original_error
    if original is not None and not isinstance(original, GraphQLError):
        known = original if isinstance(original, PunnetError) else known_failure(original)
        return _relabel(error, known.public_message, extensions_of(known))
    if error.extensions and "code" in error.extensions:
        return error
    return _relabel(error, error.message, {**(error.extensions or {}), "code": _code_of_request_error(error)})


def known_failure(error: Exception) -> PunnetError:
    """What a failure of somebody else's code means to the caller: try again later, or our mistake."""
    if isinstance(error, TimeoutError):
        return DeadlineExceededError()
    # asyncpg's DataError is an InterfaceError too, yet a mistake of ours
    if isinstance(error, OUTAGES) and not isinstance(error, ValueError):
        return UnavailableError()
    return InternalError()


def extensions_of(error: PunnetError) -> dict[str, Any]:
    """`extensions` of an error answer: code, retryable, retryAfterMs where known, and the error's own details."""
    extensions = {"code": error.code, "retryable": error.is_retryable, **error.details}
    if isinstance(error, RateLimitedError | CircuitOpenError):
        extensions["retryAfterMs"] = int(error.retry_after_s * 1000)
    return extensions


def _code_of_request_error(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    # GraphQL's own complaints about the document come before anything runs and so have no path
    return "BAD_USER_INPUT" if error.path else "GRAPHQL_VALIDATION_FAILED"


def _relabel(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


class MaskUnexpected(MaskErrors):
    """Strawberry extension: lets `present` rewrite every error of a result, streamed ones too."""

    def __init__(self) -> None:
        super().__init__()

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return present(error)


def log_unexpected(errors: list[GraphQLError], subgraph: str) -> None:
    """One log line with traceback for each error the client will not be told about."""
    for error in errors:
        original = error.original_error
        if original is not None and not isinstance(original, GraphQLError | PunnetError):
            log.error("resolver failed", subgraph=subgraph, path=error.path, exc_info=original)

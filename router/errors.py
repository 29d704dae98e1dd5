"""What the router answers when it refuses a request, as one tree and one table of codes.

    RouterError
    ├── RequestError        the client's request cannot be served; holds ready GraphQL errors and an HTTP status
    └── ConfigurationError    the router cannot start: the message names the key or file and what would be right

Codes are Apollo Router's wherever it has one for the case; the others are marked "ours". `status` is the HTTP status
of a refusal under `application/graphql-response+json`. A client that asked for plain `application/json` by name gets
200 for `in_document` codes, as the GraphQL over HTTP specification wants for well-formed requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError


@dataclass(frozen=True, slots=True)
class ErrorCode:
    name: str  #: the client sees it as `extensions.code`
    status: int
    about: str
    in_document: bool = False  #: the HTTP request was fine, its GraphQL was not


# --- the HTTP request ----------------------------------------------------------------------------------------------
INVALID_GRAPHQL_REQUEST = ErrorCode("INVALID_GRAPHQL_REQUEST", 400, "The body is no GraphQL request.")
REQUEST_TOO_LARGE = ErrorCode("INVALID_GRAPHQL_REQUEST", 413, "The body is larger than limits.http_max_request_bytes.")
MISSING_QUERY_STRING = ErrorCode("MISSING_QUERY_STRING", 400, "The request holds no query.")
INVALID_ACCEPT_HEADER = ErrorCode("INVALID_ACCEPT_HEADER", 406, "No media type of the Accept header can be served.")
INVALID_CONTENT_TYPE_HEADER = ErrorCode("INVALID_CONTENT_TYPE_HEADER", 415, "The body is not application/json.")
METHOD_NOT_ALLOWED = ErrorCode("METHOD_NOT_ALLOWED", 405, "Ours: only GET, POST and OPTIONS are served here.")
MUTATION_FORBIDDEN = ErrorCode("MUTATION_FORBIDDEN", 405, "Mutations need POST.")
SUBSCRIPTION_TRANSPORT = ErrorCode(
    "INVALID_ACCEPT_HEADER", 406, "A subscription needs SSE, multipart subscriptionSpec=1.0 or a WebSocket."
)
CSRF_ERROR = ErrorCode("CSRF_ERROR", 400, "A browser could have been tricked into sending this request.")
REQUEST_TIMEOUT = ErrorCode("REQUEST_TIMEOUT", 408, "Ours: the body did not arrive in time.")
HEADERS_TOO_LARGE = ErrorCode("HEADER_FIELDS_TOO_LARGE", 431, "Ours: too many or too long request headers.")
BATCHING_NOT_ENABLED = ErrorCode("BATCHING_NOT_ENABLED", 400, "An array of requests came and batching is off.")
BATCH_LIMIT_EXCEEDED = ErrorCode("BATCH_LIMIT_EXCEEDED", 422, "The batch holds more requests than allowed.")
BATCHING_ERROR = ErrorCode("BATCHING_ERROR", 400, "The batch is empty or holds a subscription.")
UPLOAD_TOO_MANY = ErrorCode("FILE_UPLOADS_LIMITS_MAX_FILES_EXCEEDED", 413, "More files than allowed.")
UPLOAD_TOO_LARGE = ErrorCode("FILE_UPLOADS_LIMITS_MAX_FILE_SIZE_EXCEEDED", 413, "A file is larger than allowed.")
UPLOAD_MISSING = ErrorCode(
    "FILE_UPLOADS_FILES_MISSING", 400, "The map of a multipart request names files that are not there."
)
UPLOAD_SUBSCRIPTION = ErrorCode("INVALID_GRAPHQL_REQUEST", 400, "A subscription cannot take files.")

# --- who asks, and how often ---------------------------------------------------------------------------------------
AUTH_ERROR = ErrorCode("AUTH_ERROR", 401, "The token is not valid.")
AUTH_HEADER_ERROR = ErrorCode("AUTH_ERROR", 400, "The header which carries the token has the wrong form.")
UNAUTHENTICATED = ErrorCode("UNAUTHENTICATED", 401, "Ours: authorization.require_authentication is on.")
REQUEST_RATE_LIMITED = ErrorCode("REQUEST_RATE_LIMITED", 429, "The caller's request rate is over its limit.")
REQUEST_CONCURRENCY_LIMITED = ErrorCode("REQUEST_CONCURRENCY_LIMITED", 503, "The router serves all it can already.")
GATEWAY_TIMEOUT = ErrorCode("GATEWAY_TIMEOUT", 504, "The request did not finish in time.")
UNAUTHORIZED_FIELD_OR_TYPE = ErrorCode("UNAUTHORIZED_FIELD_OR_TYPE", 200, "The caller may not see this field.")
UNAUTHORIZED_OPERATION = ErrorCode("UNAUTHORIZED_FIELD_OR_TYPE", 403, "The caller may not see a field and rejects.")

# --- persisted queries ---------------------------------------------------------------------------------------------
PERSISTED_QUERY_NOT_FOUND = ErrorCode("PERSISTED_QUERY_NOT_FOUND", 200, "Send the query together with its hash.")
PERSISTED_QUERY_NOT_SUPPORTED = ErrorCode("PERSISTED_QUERY_NOT_SUPPORTED", 200, "Automatic persisted queries are off.")
PERSISTED_QUERY_VERSION = ErrorCode("PERSISTED_QUERY_NOT_SUPPORTED", 400, "Not version 1 of the protocol.")
PERSISTED_QUERY_HASH_MISMATCH = ErrorCode("PERSISTED_QUERY_HASH_MISMATCH", 400, "The hash is not the query's SHA-256.")

# --- the document --------------------------------------------------------------------------------------------------
PARSING_ERROR = ErrorCode("PARSING_ERROR", 400, "The query is not GraphQL.", in_document=True)
TOKEN_LIMIT_EXCEEDED = ErrorCode("TOKEN_LIMIT_EXCEEDED", 400, "Ours: more tokens than limits.parser_max_tokens.")
RECURSION_LIMIT_EXCEEDED = ErrorCode("RECURSION_LIMIT_EXCEEDED", 400, "Ours: nested deeper than parser_max_recursion.")
MAX_DEPTH_LIMIT = ErrorCode("MAX_DEPTH_LIMIT", 400, "Deeper than limits.max_depth.")
MAX_HEIGHT_LIMIT = ErrorCode("MAX_HEIGHT_LIMIT", 400, "More fields than limits.max_height.")
MAX_ALIASES_LIMIT = ErrorCode("MAX_ALIASES_LIMIT", 400, "More aliases than limits.max_aliases.")
MAX_ROOT_FIELDS_LIMIT = ErrorCode("MAX_ROOT_FIELDS_LIMIT", 400, "More root fields than limits.max_root_fields.")
MAX_SELECTIONS_LIMIT = ErrorCode("MAX_SELECTIONS_LIMIT", 400, "Ours: more selections than limits.max_selections.")
GRAPHQL_VALIDATION_FAILED = ErrorCode(
    "GRAPHQL_VALIDATION_FAILED", 400, "The query does not fit the schema.", in_document=True
)
GRAPHQL_UNKNOWN_OPERATION_NAME = ErrorCode(
    "GRAPHQL_UNKNOWN_OPERATION_NAME", 400, "No operation of that name, or none named among several.", in_document=True
)
VALIDATION_INVALID_TYPE_VARIABLE = ErrorCode(
    "VALIDATION_INVALID_TYPE_VARIABLE", 400, "A variable's value does not fit its type.", in_document=True
)
INTROSPECTION_DISABLED = ErrorCode("INTROSPECTION_DISABLED", 400, "supergraph.introspection is off.")
QUERY_PLAN_COMPLEXITY_EXCEEDED = ErrorCode("QUERY_PLAN_COMPLEXITY_EXCEEDED", 400, "Planning was given up.")
VALIDATION_PLANNING_ERROR = ErrorCode(
    "VALIDATION_PLANNING_ERROR", 400, "The subgraphs cannot give what the schema offers: the supergraph is at fault."
)
SUBSCRIPTION_NOT_SUPPORTED = ErrorCode("SUBSCRIPTION_NOT_SUPPORTED", 400, "subscription.enabled is off.")
SUBSCRIPTION_MAX_LIMIT = ErrorCode("SUBSCRIPTION_MAX_LIMIT", 503, "As many subscriptions are open as allowed.")
INTERNAL_SERVER_ERROR = ErrorCode("INTERNAL_SERVER_ERROR", 500, "A fault of the router; its log has the details.")


class RouterError(Exception):
    """Root of everything the router raises on purpose."""


class ConfigurationError(RouterError):
    """The router cannot start as it was told to."""


@dataclass(frozen=True, slots=True)
class ResponseError:
    """One entry of a response's `errors`."""

    code: ErrorCode
    message: str
    locations: tuple[tuple[int, int], ...] = ()  #: (line, column), both from 1
    path: tuple[str | int, ...] | None = None  #: response path, ints index lists
    extensions: Mapping[str, Any] = field(default_factory=dict)  #: beside the code

    def as_json(self) -> dict[str, Any]:
        """The error as GraphQL writes it; absent parts are left out."""
        error: dict[str, Any] = {"message": self.message}
        if self.locations:
            error["locations"] = [{"line": line, "column": column} for line, column in self.locations]
        if self.path is not None:
            error["path"] = list(self.path)
        error["extensions"] = {"code": self.code.name, **self.extensions}
        return error

    @classmethod
    def from_graphql(cls, code: ErrorCode, error: GraphQLError, **extensions: Any) -> ResponseError:
        locations = tuple((place.line, place.column) for place in error.locations or ())
        return cls(code, error.message, locations, None, extensions)


class RequestError(RouterError):
    """The request ends here. `headers` go into the HTTP answer (`Allow`, `Retry-After`, …)."""

    def __init__(self, errors: Sequence[ResponseError], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def code(self) -> ErrorCode:
        return self.errors[0].code

    @property
    def status(self) -> int:
        return self.code.status


def too_busy(message: str = "Your request has been concurrency limited") -> RequestError:
    """Nothing was done: the client may ask again, but not at once."""
    return refuse(REQUEST_CONCURRENCY_LIMITED, message, headers={"retry-after": "1"})


def refuse(
    code: ErrorCode, message: str, *, headers: Mapping[str, str] | None = None, **extensions: Any
) -> RequestError:
    """Build a refusal with one error; extensions are those beside the code."""
    return RequestError((ResponseError(code, message, extensions=extensions),), headers)

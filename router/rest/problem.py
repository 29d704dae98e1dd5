"""What REST answers when it does not answer: one envelope, `{code, message, details, request_id, timestamp}`.

Statuses come from three tables, the later one first: the configuration's, by the type name of a typed error or by an
error's code; the one here for codes subgraphs and the router use; and the router's own for its refusals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.clock import Clock
from common.telemetry import current_request_id
from router.errors import INVALID_GRAPHQL_REQUEST, RequestError
from router.execution.json import dump_json
from router.pipeline.http import HttpResponse, RawHeaders
from router.rest.fields import FieldNames

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: answers are for one caller; a shared cache must not keep them
JSON_HEADERS: RawHeaders = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))

STATUSES: Mapping[str, int] = {
    "VALIDATION_ERROR": 400,
    "BAD_USER_INPUT": 400,
    "GRAPHQL_VALIDATION_FAILED": 400,  # a subgraph did not like a value of its own scalar
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "UNAUTHORIZED_FIELD_OR_TYPE": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "PAGE_SIZE_TOO_LARGE": 400,
    "INVALID_CURSOR": 400,
    "COST_EXCEEDED": 400,
    "RATE_LIMITED": 429,
    "SUBREQUEST_HTTP_ERROR": 502,
    "SUBREQUEST_MALFORMED_RESPONSE": 502,
    "SERVICE_UNAVAILABLE": 503,
    "REQUEST_CONCURRENCY_LIMITED": 503,
    "TIMEOUT": 504,
    "GATEWAY_TIMEOUT": 504,
}
#: what the pipeline says of GraphQL requests, in words for others
_OF_BODIES: Mapping[int, tuple[str, str]] = {
    413: ("PAYLOAD_TOO_LARGE", "The body is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json in UTF-8, and not compressed."),
}
IS_ANONYMOUS = "This needs a token: Authorization: Bearer …"


class ProblemError(Exception):
    """The request ends here, with this envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.headers = headers or {}


def invalid_field(name: str, message: str) -> ProblemError:
    text = f"Validation failed for field '{name}': {message}"
    return ProblemError(400, "VALIDATION_ERROR", text, {"field": name, "validation_message": message})


def not_allowed(allowed: str) -> ProblemError:
    """405; `allowed` are the methods."""
    message = f"This path is served over {allowed}."
    return ProblemError(405, "METHOD_NOT_ALLOWED", message, headers={"allow": allowed})


def from_refusal(refusal: RequestError) -> ProblemError:
    """A refusal of the pipeline: its code, its status, and the variable it is about when it is about one."""
    first = refusal.errors[0]
    name = first.extensions.get("name")
    if isinstance(name, str):
        return invalid_field(name, first.message)
    code, message = _OF_BODIES.get(refusal.status, (refusal.code.name, first.message))
    if refusal.code is INVALID_GRAPHQL_REQUEST:
        details = str(first.extensions.get("details", message))
        code, message = "VALIDATION_ERROR", details[:1].upper() + details[1:]
    return ProblemError(refusal.status, code, message, headers=refusal.headers)


@dataclass(frozen=True, slots=True)
class Problems:
    """The tables of one configuration."""

    clock: Clock
    statuses: Mapping[str, int] = field(default_factory=dict)

    def of_typed(self, errors: Sequence[Mapping[str, Any]], fields: FieldNames) -> ProblemError:
        """Typed errors of a payload: `InsufficientStockError` becomes INSUFFICIENT_STOCK; what else was selected of it
        becomes the details, `path` the field it is about. More than one: the first decides, all are in the details."""
        first = errors[0]
        status, code = self.of_type(str(first.get("__typename", "Error")))
        details = _details(first, fields)
        if len(errors) > 1:
            details["errors"] = [
                {"code": self.of_type(str(e.get("__typename", "Error")))[1], "message": e.get("message")}
                | _details(e, fields)
                for e in errors
            ]
        return ProblemError(status, code, str(first.get("message", "The request was refused.")), details)

    def of_type(self, name: str) -> tuple[int, str]:
        """Status and code of a typed error."""
        code = _WORD.sub("_", name.removesuffix("Error")).upper() or "ERROR"
        return self.statuses.get(name) or self.statuses.get(code) or STATUSES.get(code, 422), code

    def of_graphql(self, errors: Sequence[Mapping[str, Any]], *, is_anonymous: bool) -> ProblemError:
        """Errors of the response. What only a caller may see is 401 for nobody and 403 for somebody."""
        first = errors[0]
        extensions = first.get("extensions") or {}
        code = str(extensions.get("code", "INTERNAL_ERROR"))
        status = self.statuses.get(code) or STATUSES.get(code, 500)
        message = str(first.get("message", ""))
        if status == 403 and is_anonymous:
            status, code, message = 401, "UNAUTHENTICATED", IS_ANONYMOUS
        elif code == "UNAUTHORIZED_FIELD_OR_TYPE":
            code, message = "FORBIDDEN", "Your token does not allow this."
        elif code == "GRAPHQL_VALIDATION_FAILED":  # the text quotes the value
            code, message = "VALIDATION_ERROR", "A value was not accepted."
        headers: dict[str, str] = {}
        retry_after_ms = extensions.get("retryAfterMs")
        if isinstance(retry_after_ms, int | float):
            headers["retry-after"] = str(max(1, round(retry_after_ms / 1000)))
        return ProblemError(status, code, message, headers=headers)

    def respond(self, problem: ProblemError) -> HttpResponse:
        body: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if problem.details:
            body["details"] = problem.details
        body["request_id"] = current_request_id() or ""
        body["timestamp"] = self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {"www-authenticate": "Bearer"} if problem.status == 401 else {}
        more = tuple((name.encode(), value.encode()) for name, value in {**headers, **problem.headers}.items())
        return HttpResponse(problem.status, JSON_HEADERS + more, dump_json(body))


def _details(error: Mapping[str, Any], fields: FieldNames) -> dict[str, Any]:
    details = {key: value for key, value in error.items() if key not in ("__typename", "message", "path")}
    if path := error.get("path"):
        details["field"] = fields.field([str(step) for step in path])
    return {key: value for key, value in details.items() if value is not None}

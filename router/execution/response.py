"""Subgraph response or transport error -> data and errors.

A response counts whatever its HTTP status when its body is a GraphQL response: subgraphs that follow GraphQL over HTTP
answer 4xx and 5xx with one. Otherwise the status is the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct

from router.execution.json import MalformedJsonError, load_json
from router.transport.errors import OverloadedError, RequestTimedOutError, TransportError
from router.transport.model import SubgraphResponse

#: made by the router, not by the subgraph: nothing in them but what is written here
ROUTER_CODES: Final = frozenset(
    {
        "SUBREQUEST_HTTP_ERROR",
        "SUBREQUEST_MALFORMED_RESPONSE",
        "SUBREQUEST_WEBSOCKET_ERROR",
        "SUBREQUEST_CIRCUIT_OPEN",
        "GATEWAY_TIMEOUT",
        "REQUEST_CONCURRENCY_LIMITED",
    }
)

_STATUSES: Final = frozenset(int(status) for status in HTTPStatus)


class SubgraphAnswer(Struct, frozen=True):
    """`data` is None when there is none to merge. Errors still have the subgraph's paths."""

    data: dict[str, Any] | None
    errors: tuple[Mapping[str, Any], ...] = ()


def read_response(response: SubgraphResponse, subgraph: str) -> SubgraphAnswer:
    is_ok = 200 <= response.status < 300
    try:
        body = load_json(response.body)
    except MalformedJsonError as exc:
        return (
            malformed_answer(subgraph, f"the body is not JSON: {exc}")
            if is_ok
            else _http_error(subgraph, response.status)
        )
    if not isinstance(body, dict) or ("data" not in body and not body.get("errors")):
        return (
            malformed_answer(subgraph, "the body is not a GraphQL response")
            if is_ok
            else _http_error(subgraph, response.status)
        )
    return read_payload(body, subgraph, None if is_ok else response.status)


def read_payload(body: Mapping[str, Any], subgraph: str, bad_status: int | None = None) -> SubgraphAnswer:
    """A GraphQL response as parsed JSON: the body of an HTTP response, or an event of a subscription."""
    data = body.get("data")
    errors = body.get("errors")
    if not errors and bad_status is None:
        if data is None or data.__class__ is dict:
            return SubgraphAnswer(data)
        return malformed_answer(subgraph, "data is not an object")
    if not isinstance(data, dict | None):
        return malformed_answer(subgraph, "data is not an object")
    if not isinstance(errors, list):
        return (
            _http_error(subgraph, bad_status)
            if bad_status is not None
            else malformed_answer(subgraph, "errors is no list")
        )
    records = tuple(_as_record(error) for error in errors)
    if bad_status is not None:
        records = tuple(_with_status(record, bad_status) for record in records)
    return SubgraphAnswer(data, records)


def failed_answer(error: TransportError, subgraph: str) -> SubgraphAnswer:
    match error:  # Apollo's sentences
        case RequestTimedOutError():
            message = "Your request has been timed out"
        case OverloadedError():
            message = "Your request has been concurrency limited"
        case _:
            message = f"HTTP fetch failed from '{subgraph}': {error.reason}"
    return _failed(subgraph, error.code, message, {"reason": error.reason})


def malformed_answer(subgraph: str, reason: str) -> SubgraphAnswer:
    message = f"service '{subgraph}' response was malformed: {reason}"
    return _failed(subgraph, "SUBREQUEST_MALFORMED_RESPONSE", message, {"reason": reason})


def _http_error(subgraph: str, status: int) -> SubgraphAnswer:
    reason = f"{status}: {HTTPStatus(status).phrase}" if status in _STATUSES else str(status)
    message = f"HTTP fetch failed from '{subgraph}': {reason}"
    return _failed(subgraph, "SUBREQUEST_HTTP_ERROR", message, {"reason": reason, "http": {"status": status}})


def _failed(subgraph: str, code: str, message: str, extensions: Mapping[str, Any]) -> SubgraphAnswer:
    error = {"message": message, "extensions": {"code": code, "service": subgraph, **extensions}}
    return SubgraphAnswer(None, (error,))


def _as_record(error: object) -> Mapping[str, Any]:
    return error if isinstance(error, dict) else {"message": error}


def _with_status(record: Mapping[str, Any], status: int) -> Mapping[str, Any]:
    extensions = record.get("extensions")
    return {
        **record,
        "extensions": {**(extensions if isinstance(extensions, dict) else {}), "http": {"status": status}},
    }

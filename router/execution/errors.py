"""A subgraph's error -> the client's error: path in the client's response, code and service, redaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.execution.collect import ResponsePath
from router.execution.model import REDACTED_MESSAGE, ErrorPolicy, ErrorRecord
from router.execution.response import ROUTER_CODES

#: for errors to which the subgraph gave no code; the code Apollo's gateway used for all of them
DEFAULT_CODE = "DOWNSTREAM_SERVICE_ERROR"
#: the specification wants a text; what is none is not shown
NO_MESSAGE = "The subgraph reported an error without a message."


def client_error(
    error: Mapping[str, Any], path: ResponsePath | None, subgraph: str, policy: ErrorPolicy
) -> ErrorRecord:
    """`locations` point into the document sent to the subgraph and mean nothing to the client: they are dropped."""
    given = error.get("extensions")
    extensions: Mapping[str, Any] = given if isinstance(given, dict) else {}
    message = error.get("message")
    record: ErrorRecord = {"message": message if isinstance(message, str) else NO_MESSAGE, "extensions": {}}
    if path is not None:
        record["path"] = list(path)
    if not policy.is_included:
        record["message"] = REDACTED_MESSAGE
        # the router's own codes say that something is down, nothing of what is inside it
        if extensions.get("code") in ROUTER_CODES:
            record["extensions"]["code"] = extensions["code"]
        return record
    if policy.redact_message:
        record["message"] = REDACTED_MESSAGE
    shown = {
        name: value
        for name, value in extensions.items()
        if name not in policy.deny_extensions
        and (policy.allow_extensions is None or name in policy.allow_extensions or name == "code")
    }
    if shown.get("code") is None and "code" not in policy.deny_extensions:
        shown["code"] = DEFAULT_CODE
    if "service" not in policy.deny_extensions:
        shown["service"] = subgraph
    record["extensions"] = shown
    return record


def response_path(path: object) -> ResponsePath:
    """The path of a subgraph's error as far as it is one; empty when there is none."""
    if not isinstance(path, list):
        return ()
    steps: list[str | int] = []
    for step in path:
        if not isinstance(step, str | int) or isinstance(step, bool):
            break
        steps.append(step)
    return tuple(steps)

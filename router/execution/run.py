"""The state of one run of a plan: the data that grows, the errors found, what the client gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.execution.collect import JsonObject, ResponsePath
from router.execution.errors import client_error
from router.execution.model import ErrorRecord, ExecutionContext


class Run:
    """Mutable; belongs to one request (or one event of a subscription) and one event loop."""

    __slots__ = ("context", "data", "errors", "has_shared", "known_failures", "variables")

    is_stopped = False

    def __init__(self, variables: Mapping[str, Any], context: ExecutionContext, data: JsonObject | None = None) -> None:
        self.variables = variables
        self.context = context
        self.data: JsonObject = {} if data is None else data
        self.errors: list[ErrorRecord] = []
        #: response paths at or below which values are missing because of an error that is already reported
        self.known_failures: list[ResponsePath] = []
        #: objects of equal entities are one object in `data`
        self.has_shared = False

    def add_error(self, error: Mapping[str, Any], path: ResponsePath | None, subgraph: str) -> None:
        """`path` is the client's; None when the error is not about one place: then `known_failures` has the places."""
        self.errors.append(client_error(error, path, subgraph, self.context.error_policy_for(subgraph)))
        if path is not None:
            self.known_failures.append(path)

"""What an execution is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec import Struct, to_builtins

from router.transport.model import Headers, SubgraphClient, SubgraphStreams

#: a GraphQL error as the response carries it: message, path, extensions
ErrorRecord: TypeAlias = dict[str, Any]

REDACTED_MESSAGE = "Subgraph errors redacted"


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """What clients see of one subgraph's errors: Apollo's `include_subgraph_errors`."""

    is_included: bool = True
    redact_message: bool = False
    allow_extensions: frozenset[str] | None = None  #: only these keys; `code` and `service` need no permission
    deny_extensions: frozenset[str] = frozenset()


SHOW_ERRORS = ErrorPolicy()
REDACT_ERRORS = ErrorPolicy(is_included=False)


def no_headers(subgraph: str) -> Headers:
    return ()


def show_errors(subgraph: str) -> ErrorPolicy:
    return SHOW_ERRORS


@dataclass(slots=True)  # not frozen: made for every request, and so at a third of the cost
class ExecutionContext:
    """Everything outside the plan that one request needs; keys are subgraph names."""

    clients: Mapping[str, SubgraphClient]
    streams: Mapping[str, SubgraphStreams] = field(default_factory=dict)
    headers_for: Callable[[str], Headers] = no_headers  #: called once per fetch
    error_policy_for: Callable[[str], ErrorPolicy] = show_errors


@dataclass(slots=True)  # not frozen: made for every request, and so at a third of the cost
class ExecutionResult:
    """`content` has its keys in the order of the client's document and is written by `dump_json` as it is."""

    content: Mapping[str, Any] | Struct | None
    errors: tuple[ErrorRecord, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Mapping[str, Any] | None:
        """The content as plain objects, for who wants to look into it."""
        if isinstance(self.content, Struct):
            plain: Mapping[str, Any] = to_builtins(self.content)
            self.content = plain
        return self.content

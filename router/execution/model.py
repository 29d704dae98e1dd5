"""What an execution is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import UNSET, Struct, field, to_builtins

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


class ExecutionContext(Struct):
    """Everything outside the plan that one request needs; keys are subgraph names."""

    clients: Mapping[str, SubgraphClient]
    streams: Mapping[str, SubgraphStreams] = field(default_factory=dict)
    headers_for: Callable[[str], Headers] = no_headers  #: called once per fetch
    error_policy_for: Callable[[str], ErrorPolicy] = show_errors


class ExecutionResult(Struct):
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

    def at(self, path: Sequence[str]) -> Any:
        """What stands at a response path without lists: as the content has it (`Struct`s stay such). None
        where something on the way is null."""
        value: Any = self.content
        for key in path:
            if isinstance(value, Struct):
                value = _field(value, key)
            elif isinstance(value, Mapping):
                value = value.get(key)
            else:
                return None
        return value


def _field(item: Struct, key: str) -> Any:
    kind = type(item)
    for name, written in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        if written == key:
            value = getattr(item, name)
            return None if value is UNSET else value
    return None

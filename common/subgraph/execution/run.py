"""One execution: its context and variables, and the errors found on the way."""

from collections.abc import Coroutine, Hashable, Iterable
from dataclasses import dataclass, field
from types import CoroutineType
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLError, located_error
from graphql.execution.values import VariableValues

#: response path from its end: (path of the parent, key or index); None is the root. Cheap, as it is made per object
Path: TypeAlias = tuple[Any, str | int]


@dataclass(slots=True)
class Run:
    """State of one execution. Errors below a place that was nulled already are dropped, as graphql-core does."""

    context: Any
    variables: VariableValues
    errors: list[GraphQLError] = field(default_factory=list)
    #: arguments of a field, the same for every object it is asked of
    arguments: dict[Hashable, dict[str, Any]] = field(default_factory=dict)
    #: begun for an object that was nulled meanwhile; still awaited before the answer leaves
    abandoned: list[Coroutine[Any, Any, Any]] = field(default_factory=list)
    _nulled: set[Path | None] = field(default_factory=set)

    def add_error(self, error: GraphQLError, path: Path | None) -> None:
        above = path
        while above is not None:
            if above in self._nulled:
                return
            above = above[0]
        if None in self._nulled:
            return
        self._nulled.add(path)
        self.errors.append(error)

    def abandon(self, values: Iterable[Any]) -> None:
        """`values` may hold coroutines that nobody will ask for their result."""
        self.abandoned += [value for value in values if is_pending(value)]


def is_pending(value: Any) -> bool:
    """Whether a completed value is still to be awaited: our own coroutines only."""
    return type(value) is CoroutineType


def keys_of(path: Path | None) -> list[str | int]:
    keys: list[str | int] = []
    while path is not None:
        keys.append(path[1])
        path = path[0]
    return keys[::-1]


def located(error: Exception, nodes: list[FieldNode], path: Path) -> GraphQLError:
    return located_error(error, nodes, keys_of(path))

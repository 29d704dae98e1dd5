"""The state of one typed run: the objects of the response, what subgraphs answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from router.execution.model import ExecutionContext
from router.execution.outgoing import Outgoing
from router.execution.typed.errors import SurpriseError
from router.execution.typed.replay import Outcome
from router.transport.errors import TransportError


@dataclass(frozen=True, slots=True)
class Gathering:
    """How the objects of one place are listed."""

    number: int
    base: Gathering | None  #: the place they are reached from; None for the root, which needs no listing
    gather: Callable[[Sequence[Struct]], list[Any]]


class TypedRun:
    """Mutable; belongs to one request and one event loop."""

    __slots__ = ("_lists", "context", "is_stopped", "outcomes", "root", "variables")

    def __init__(self, variables: Mapping[str, Any], context: ExecutionContext, root: Struct, list_count: int) -> None:
        self.variables = variables
        self.context = context
        self.root = root
        self.outcomes: list[Outcome] = []  #: in the order they came
        self.is_stopped = False  #: by a surprise
        self._lists: list[Sequence[Any] | None] = [None] * list_count

    def objects(self, at: Gathering | None) -> Sequence[Any]:
        """All objects of a place, listed once; the place has to have its objects already."""
        if at is None:
            return (self.root,)
        found = self._lists[at.number]
        if found is None:
            found = self._lists[at.number] = at.gather(self.objects(at.base))
        return found

    async def ask(self, outgoing: Outgoing, sent: Mapping[str, Any], decode: Callable[[bytes], Any]) -> Any:
        """The data of the response. Raises SurpriseError, or what `decode` raises."""
        request = outgoing.request(self, sent)
        try:
            response = await self.context.clients[outgoing.subgraph].send(request)
        except TransportError as exc:
            self.outcomes.append((request, exc))
            raise SurpriseError from exc
        self.outcomes.append((request, response))
        if not 200 <= response.status < 300:
            raise SurpriseError
        return decode(response.body).data

"""What subgraphs answered to a typed run, answered again to the interpreter: nothing is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from router.execution.model import ExecutionContext
from router.transport.errors import TransportError
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse

#: a request and what became of it
Outcome: TypeAlias = tuple[SubgraphRequest, SubgraphResponse | TransportError]
#: by subgraph and body of the request, first come first
_Known: TypeAlias = dict[tuple[str, bytes], list[SubgraphResponse | TransportError]]


def replay(context: ExecutionContext, outcomes: Sequence[Outcome]) -> ExecutionContext:
    """Clients that know these outcomes; what is not among them they send."""
    known: _Known = {}
    for request, response in outcomes:
        known.setdefault((request.subgraph, request.body), []).append(response)
    return replace(context, clients={name: _ReplayClient(client, known) for name, client in context.clients.items()})


class _ReplayClient:
    def __init__(self, client: SubgraphClient, known: _Known) -> None:
        self._client = client
        self._known = known

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        known = self._known.get((request.subgraph, request.body))
        if not known:
            return await self._client.send(request)
        response = known.pop(0)
        if isinstance(response, TransportError):
            raise response
        return response

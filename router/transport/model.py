"""The seam to subgraphs: two records and two protocols.

A client serves one subgraph. Layers (`layers.py`) are clients that wrap a client, so anything that can `send` can
stand behind the executor: a socket, an ASGI application in this process, a function in a test.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

Headers: TypeAlias = tuple[tuple[str, str], ...]  #: names in lower case, in the order they are sent


class SharedHeaders(tuple[tuple[str, str], ...]):
    """`Headers` that go along with several calls: the first client to write them leaves them here as it wrote them."""

    written: bytes | None = None


#: set by the client that opens the connection and writes the body; anybody else's are left out
OWN_HEADERS = frozenset(
    {
        *("host", "connection", "content-length", "content-type", "content-encoding", "transfer-encoding"),
        *("accept", "accept-encoding", "upgrade", "te", "expect"),
    }
)

#: what a subscription yields: a GraphQL response as parsed JSON, `{"data": …, "errors": …}`
StreamEvent: TypeAlias = Mapping[str, object]


class SubgraphRequest(Struct, frozen=True):
    """One GraphQL operation, serialised."""

    subgraph: str
    body: bytes  #: `{"query": …, "variables": …, "operationName": …}`
    headers: Headers = ()  #: without those about body and connection, which are the client's own
    is_repeatable: bool = True  #: False for mutations: never sent a second time unless the first never left
    content_type: str = "application/json"


class SubgraphResponse(Struct, frozen=True):
    status: int
    body: bytes


class SubgraphClient(Protocol):
    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Raises `TransportError` when no whole response came; an HTTP error status is a response."""
        ...


class SubgraphPages(Protocol):
    async def get(self, target: str, headers: Headers = ()) -> SubgraphResponse:
        """Another resource at the subgraph's address, such as its health; `target` is a path, perhaps with a query.
        Raises `TransportError`; what an application in this process raises goes on as it is."""
        ...


class SubgraphStreams(Protocol):
    def subscribe(self, request: SubgraphRequest) -> AsyncGenerator[StreamEvent, None]:
        """Events until the subgraph completes. Closing the iterator closes the upstream at once.
        Raises `TransportError` when the stream breaks."""
        ...

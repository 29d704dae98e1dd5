"""Replays: a subgraph that knows a mutation's idempotency key answers again what it answered before, and says so in its
response's `extensions.idempotentReplay`. Clients are told; nothing else of subgraphs' extensions is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.execution.json import MalformedJsonError, load_json
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse

EXTENSION = "idempotentReplay"


def watch_replays(clients: Mapping[str, SubgraphClient], extensions: dict[str, Any]) -> dict[str, SubgraphClient]:
    """Clients for one mutation. As soon as an answer of one of its fields is a replay, `extensions` has the mark."""
    return {name: _Watched(client, extensions) for name, client in clients.items()}


@dataclass(frozen=True, slots=True)
class _Watched:
    client: SubgraphClient
    extensions: dict[str, Any]

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        response = await self.client.send(request)
        # a mutation's own fields are what must not be sent twice; the queries that follow have nothing to replay
        if not request.is_repeatable and EXTENSION.encode() in response.body and _says_so(response.body):
            self.extensions[EXTENSION] = True
        return response


def _says_so(body: bytes) -> bool:
    try:
        match load_json(body):
            case {"extensions": {"idempotentReplay": True}}:
                return True
    except MalformedJsonError:
        pass  # the executor's matter
    return False

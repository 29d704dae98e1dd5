"""Routing URL and policy -> a client with its layers, and the streams beside it.

async with open_subgraph("http://…", TransportPolicy()) as opened:
    await opened.client.send(request)
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from common.resilience import TimeLimit
from router.transport.addresses import AsgiAddress, parse_address
from router.transport.asgi.client import AsgiClient
from router.transport.asgi.streams import AsgiStreams
from router.transport.http.client import HttpClient
from router.transport.http.pool import PoolLimits
from router.transport.http.streams import WebSocketStreams
from router.transport.layers import RetryLayer, RetryPolicy, TimeoutLayer
from router.transport.model import SubgraphClient, SubgraphPages, SubgraphStreams


@dataclass(frozen=True, slots=True)
class TransportPolicy:
    """How one subgraph is called."""

    timeout_s: float = 30.0  #: of a call with all its attempts
    retry: RetryPolicy | None = None  #: None: what fails is not repeated
    pool: PoolLimits = field(default_factory=PoolLimits)
    tls: ssl.SSLContext | None = None  #: None: the system's certificates
    subscription_path: str | None = None  #: when subscriptions have a path of their own


@dataclass(frozen=True, slots=True)
class OpenedSubgraph:
    client: SubgraphClient
    streams: SubgraphStreams
    pages: SubgraphPages


@asynccontextmanager
async def open_subgraph(
    url: str,
    policy: TransportPolicy,
    *,
    outer_layer: Callable[[SubgraphClient], SubgraphClient] | None = None,
) -> AsyncIterator[OpenedSubgraph]:
    """Raises `BadAddressError` before anything is opened, `ConnectFailedError` when an application in this process
    does not start. `outer_layer` (a circuit breaker, a span) sees one call, however often it is tried."""
    address = parse_address(url)
    if isinstance(address, AsgiAddress):
        async with AsgiClient(address) as asgi:
            limited = TimeoutLayer(asgi, TimeLimit(policy.timeout_s))
            yield OpenedSubgraph(_layered(limited, policy, outer_layer), AsgiStreams(asgi), asgi)
    else:
        async with HttpClient(address, policy.pool, policy.tls, TimeLimit(policy.timeout_s)) as http:
            streams = WebSocketStreams(address, path=policy.subscription_path, tls=policy.tls)
            yield OpenedSubgraph(_layered(http, policy, outer_layer), streams, http)


def _layered(
    client: SubgraphClient,
    policy: TransportPolicy,
    outer_layer: Callable[[SubgraphClient], SubgraphClient] | None,
) -> SubgraphClient:
    """`client` keeps the time of one attempt itself."""
    if policy.retry is not None:
        client = RetryLayer(client, policy.retry, policy.timeout_s)
    return client if outer_layer is None else outer_layer(client)

"""HTTP as the pipeline sees it: records without a server behind them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

#: (name, value) as ASGI wants them
RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)  # not frozen: made for every request, and so at a third of the cost
class HttpRequest:
    method: str
    query_string: bytes
    headers: Mapping[str, str]  #: names in lower case; repeated headers are joined by ", " (cookies by "; ")
    client_address: str  #: of the peer, which may be a proxy; empty when unknown
    read_body: Callable[[int], Awaitable[bytes]]  #: takes the limit in bytes; raises RequestError beyond it


@dataclass(slots=True)  # not frozen: made for every request, and so at a third of the cost
class HttpResponse:
    status: int
    headers: RawHeaders
    body: bytes | AsyncGenerator[bytes, None]  #: parts of a stream, each to be sent at once

"""HTTP as the pipeline sees it: records without a server behind them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

#: (name, value) as ASGI wants them
RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]


class HttpRequest(Struct, frozen=True):
    method: str
    query_string: bytes
    headers: Mapping[str, str]  #: names in lower case; repeated headers are joined by ", " (cookies by "; ")
    client_address: str  #: of the peer, which may be a proxy; empty when unknown
    read_body: Callable[[int], Awaitable[bytes]]  #: takes the limit in bytes; raises RequestError beyond it


class HttpResponse(Struct, frozen=True):
    status: int
    headers: RawHeaders
    body: bytes | AsyncGenerator[bytes, None]  #: parts of a stream, each to be sent at once

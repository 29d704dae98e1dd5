"""SubgraphRequest -> POST -> SubgraphResponse."""

from __future__ import annotations

import re
import ssl
from types import TracebackType

from common.resilience import TimeLimit
from router.transport.addresses import HttpAddress, UnixAddress
from router.transport.errors import ConnectionLostError, TransportError, timed_out
from router.transport.http.connection import Connection
from router.transport.http.pool import Pool, PoolLimits
from router.transport.model import OWN_HEADERS, Headers, SharedHeaders, SubgraphRequest, SubgraphResponse

#: a mutation cannot be sent again, so it only takes connections which a server has hardly had time to give up
MUTATION_MAX_IDLE_S = 1.0

_JSON = "content-type: application/json\r\n"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  #: RFC 9110, 5.6.2 token
_GOOD_NAMES = frozenset({"traceparent", "tracestate", "x-request-id", "x-punnet-context", "authorization"})


class HttpClient:
    """A `SubgraphClient` for one http(s) or unix address. `async with` closes its connections at the end."""

    def __init__(
        self,
        address: HttpAddress | UnixAddress,
        limits: PoolLimits | None = None,
        tls: ssl.SSLContext | None = None,
        time_limit: TimeLimit | None = None,
    ) -> None:
        """`time_limit` is that of one call, connecting included; 30 s unless given."""
        is_tls = isinstance(address, HttpAddress) and address.is_tls
        self._limits = limits or PoolLimits()
        self._time_limit = time_limit or TimeLimit(30.0)
        tls = (tls or ssl.create_default_context()) if is_tls else None
        self._pool = Pool(address, self._limits, tls, self._time_limit.timeout_s)
        self._head = (
            f"POST {address.target} HTTP/1.1\r\nhost: {address.authority}\r\n{_JSON}"
            "accept: application/json, application/graphql-response+json\r\naccept-encoding: identity\r\n"
        ).encode("ascii")
        self._get = (f"host: {address.authority}\r\naccept: application/json\r\naccept-encoding: identity\r\n").encode(
            "ascii"
        )

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        body = request.body
        head = b"%b%bcontent-length: %d\r\n\r\n" % (self._head, write_headers(request.headers), len(body))
        if request.content_type != "application/json":
            head = head.replace(_JSON.encode(), f"content-type: {request.content_type}\r\n".encode("ascii"), 1)
        max_idle_s = self._limits.max_idle_s if request.is_repeatable else MUTATION_MAX_IDLE_S
        connection = self._pool.take(max_idle_s)
        if connection is None:
            return await self._send_in_turn(head, request, max_idle_s)
        limit = self._time_limit
        try:
            waiter = connection.exchange(head, body)
            limit.watch(connection, connection.loop)
            return await waiter
        except ConnectionLostError as exc:
            if not _was_stale(exc, connection, request):
                raise
        except TransportError:
            raise
        except BaseException:  # cancelled: the response must not be taken for the next one's
            connection.close()
            raise
        finally:
            limit.forget(connection)
        return await self._send_in_turn(head, request, 0.0)

    async def get(self, target: str, headers: Headers = ()) -> SubgraphResponse:
        """See `SubgraphPages`."""
        head = b"GET %b HTTP/1.1\r\n%b%b\r\n" % (target.encode("ascii"), self._get, write_headers(headers))
        return await self._send_in_turn(head, SubgraphRequest("", b""), self._limits.max_idle_s)

    async def _send_in_turn(self, head: bytes, request: SubgraphRequest, max_idle_s: float) -> SubgraphResponse:
        """On a connection that has to be waited for, or made."""
        try:
            with self._time_limit.started():
                connection = await self._pool.acquire(max_idle_s)
                try:
                    return await connection.exchange(head, request.body)
                except ConnectionLostError as exc:
                    if not _was_stale(exc, connection, request):
                        raise
                except TransportError:
                    raise
                except BaseException:
                    connection.close()
                    raise
                return await self._send_in_turn(head, request, 0.0)
        except TimeoutError:
            raise timed_out(self._time_limit.timeout_s) from None


def _was_stale(error: ConnectionLostError, connection: Connection, request: SubgraphRequest) -> bool:
    """The server gave the idle connection up while the request was on its way: it was not processed, and may be sent
    once more, on a new one."""
    return connection.idle_since > 0.0 and error.before_response and request.is_repeatable


def write_headers(headers: Headers) -> bytes:
    """The lines of a request's head, without those that are the client's own. Raises ValueError for what is not a
    header: line breaks in a value would be new headers."""
    if not isinstance(headers, SharedHeaders):
        return _write(headers)
    written = headers.written
    if written is None:
        written = headers.written = _write(headers)
    return written


def _write(headers: Headers) -> bytes:
    lines = []
    for name, value in headers:
        if name in OWN_HEADERS:
            continue
        if (name not in _GOOD_NAMES and not _HEADER_NAME(name)) or "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"header {name!r} cannot be sent")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1", "replace")

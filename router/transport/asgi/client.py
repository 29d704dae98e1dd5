"""SubgraphRequest -> HTTP scope -> SubgraphResponse."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from starlette.types import ASGIApp, Message, Scope

from router.transport.addresses import AsgiAddress
from router.transport.asgi.app import Lifespan, load_app
from router.transport.errors import ConnectionLostError
from router.transport.model import OWN_HEADERS, Headers, SubgraphRequest, SubgraphResponse

logger = logging.getLogger(__name__)


class AsgiClient:
    """A `SubgraphClient` for an application in this process. `async with` makes the application, if it was not given,
    and runs its lifespan."""

    def __init__(self, address: AsgiAddress, app: ASGIApp | None = None) -> None:
        self._address = address
        self._app = app
        self._lifespan: Lifespan | None = None
        path, _, query = address.target.partition("?")
        self._path = path
        self._query = query.encode("ascii")

    async def __aenter__(self) -> AsgiClient:
        if self._app is None:
            self._app = load_app(self._address)
        self._lifespan = await Lifespan(self._app).__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._lifespan is not None:
            await self._lifespan.__aexit__(kind, exc, tb)

    @property
    def app(self) -> ASGIApp:
        if self._app is None:
            raise RuntimeError("the client is used before `async with` has made its application")
        return self._app

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Returns when the application returns: its background tasks are part of the call."""
        exchange = _Exchange(request.body)
        length = (b"content-length", str(len(request.body)).encode("ascii"))
        scope = self.scope("http", request.headers, length, content_type=request.content_type)
        scope["method"] = "POST"
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception:
            logger.exception("subgraph %s raised", request.subgraph)
            return SubgraphResponse(500, b"")
        return exchange.response()

    async def get(self, target: str, headers: Headers = ()) -> SubgraphResponse:
        """See `SubgraphPages`."""
        exchange = _Exchange(b"")
        path, _, query = target.partition("?")
        place = {"path": path, "raw_path": path.encode("ascii"), "query_string": query.encode("ascii")}
        await self.app({**self.scope("http", headers), "method": "GET", **place}, exchange.receive, exchange.send)
        return exchange.response()

    def scope(
        self, kind: str, headers: Headers, *more: tuple[bytes, bytes], content_type: str = "application/json"
    ) -> Scope:
        state = self._lifespan.state if self._lifespan is not None else {}
        return {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "http" if kind == "http" else "ws",
            "path": self._path,
            "raw_path": self._path.encode("ascii"),
            "query_string": self._query,
            "root_path": "",
            "headers": [
                (b"host", b"localhost"),
                (b"content-type", content_type.encode("ascii")),
                (b"accept", b"application/json, application/graphql-response+json"),
                *more,
                *(
                    (name.encode("ascii"), value.encode("latin-1", "replace"))
                    for name, value in headers
                    if name not in OWN_HEADERS
                ),
            ],
            "client": None,
            "server": ("localhost", None),
            "state": state.copy(),
        }


class _Exchange:
    """The two ends of one request: gives the body once, collects the response."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status: int | None = None
        self._parts: list[bytes] = []
        self._is_complete = asyncio.Event()

    async def receive(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            await self._is_complete.wait()  # who asks again waits for the client to go away
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._is_complete.set()

    def response(self) -> SubgraphResponse:
        if self._status is None or not self._is_complete.is_set():
            reason = "the application returned without a whole response"
            raise ConnectionLostError(reason, before_response=self._status is None)
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return SubgraphResponse(self._status, body)

"""ASGI's HTTP messages to the pipeline's records and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from starlette.types import Receive, Scope, Send

from router.config.http import LimitsConfig
from router.errors import HEADERS_TOO_LARGE, INVALID_GRAPHQL_REQUEST, REQUEST_TOO_LARGE, refuse
from router.pipeline.engine import Engine
from router.pipeline.handle import handle_request
from router.pipeline.http import HttpRequest, HttpResponse, RawHeaders
from router.pipeline.negotiate import ANYTHING
from router.pipeline.respond import respond_refusal
from router.server.asgi import SECURITY_HEADERS, send_bytes
from router.server.cors import Cors

logger = logging.getLogger(__name__)
_WRITE_DEADLINE_S = 30.0  #: a stream's reader that takes longer for one part is gone


async def serve_graphql(engine: Engine, cors: Cors, scope: Scope, receive: Receive, send: Send) -> None:
    """One GraphQL request over HTTP, CORS included."""
    raw: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if is_too_large(raw, engine.config.limits):
        response = respond_refusal(refuse(HEADERS_TOO_LARGE, "Request header fields are too large"), ANYTHING)
        return await send_response(response, SECURITY_HEADERS, receive, send)
    headers = read_headers(raw)
    origin = headers.get("origin")
    method = scope["method"]
    if method == "OPTIONS" and origin is not None:
        return await send_bytes(send, 204, cors.preflight(origin, headers), b"")
    more = SECURITY_HEADERS if origin is None else SECURITY_HEADERS + cors.headers(origin)
    request = read_request(scope, headers, receive)
    response = await handle_request(engine, request)
    engine.readiness.answered(response.status)
    return await send_response(response, more, receive, send)


def read_request(scope: Scope, headers: dict[str, str], receive: Receive) -> HttpRequest:
    client = scope.get("client")
    return HttpRequest(
        method=scope["method"],
        query_string=scope["query_string"],
        headers=headers,
        client_address=client[0] if client else "",
        read_body=partial(_read_body, headers.get("content-length"), receive),
    )


def read_headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name in lower case; those that are given twice are joined."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
    return headers if len(headers) == len(raw) else _join_repeated(raw)


def _join_repeated(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key in headers:
            text = headers[key] + ("; " if key == "cookie" else ", ") + text
        headers[key] = text
    return headers


def is_too_large(raw: Sequence[tuple[bytes, bytes]], limits: LimitsConfig) -> bool:
    if len(raw) > limits.http1_max_request_headers:
        return True
    return sum([len(name) + len(value) for name, value in raw]) > limits.http1_max_request_buf_size


async def _read_body(declared: str | None, receive: Receive, max_bytes: int) -> bytes:
    """`declared` is the content-length. Raises RequestError (413) as soon as the limit is passed, without reading the
    rest."""
    if declared is not None and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise refuse(REQUEST_TOO_LARGE, "payload too large for the `http_max_request_bytes` limit")
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise refuse(INVALID_GRAPHQL_REQUEST, "The client closed the connection")
        chunk = message.get("body", b"")
        body = body + chunk if body else chunk
        if len(body) > max_bytes:
            raise refuse(REQUEST_TOO_LARGE, "payload too large for the `http_max_request_bytes` limit")
        if not message.get("more_body", False):
            return bytes(body)


async def send_response(response: HttpResponse, more: RawHeaders, receive: Receive, send: Send) -> None:
    body = response.body
    if isinstance(body, bytes):  # `send_bytes`, in place
        headers = [*response.headers, *more, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    headers = [*response.headers, *more, (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await _send_parts(body, receive, send)


async def _send_parts(parts: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    """Until the parts end or the client goes; in both cases what makes the parts is closed before this returns."""
    gone = asyncio.ensure_future(_wait_for_disconnect(receive))
    sending = asyncio.ensure_future(_send_all(parts, send))
    try:
        await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        sending.cancel()
        done = await asyncio.gather(gone, sending, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, Exception):
            logger.error("a stream broke", exc_info=outcome)


async def _send_all(parts: AsyncGenerator[bytes, None], send: Send) -> None:
    async with aclosing(parts):
        async for part in parts:
            async with asyncio.timeout(_WRITE_DEADLINE_S):
                await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

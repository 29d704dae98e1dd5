"""How this room answers, and the headers of all its answers."""

from __future__ import annotations

from starlette.types import Send

from router.execution.json import dump_json
from router.pipeline.http import RawHeaders

#: nothing of ours is to be framed, sniffed, or told to other sites
SECURITY_HEADERS: RawHeaders = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


async def send_bytes(send: Send, status: int, headers: RawHeaders, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [*headers, length]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, status: int, code: str, message: str, headers: RawHeaders = ()) -> None:
    """What is no GraphQL request is answered in GraphQL's form all the same: clients can read it."""
    body = dump_json({"errors": [{"message": message, "extensions": {"code": code}}]})
    await send_bytes(
        send, status, ((b"content-type", b"application/json; charset=utf-8"), *SECURITY_HEADERS, *headers), body
    )

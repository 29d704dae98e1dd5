"""The providers of messages, wired.

GET  /mail /sms /push   what was delivered, newest first; `?to=` one recipient. JSON, or a page for a browser
GET  /account/<kind>    where links in messages lead, in place of a front end
POST /v1/sms /v1/push   {to, text, …} with Authorization: Bearer <key> and Idempotency-Key -> 202 {id}

Refused for good (422, 410): numbers that end in 0000, tokens that begin with `gone`.
"""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from common.clock import Clock, SystemClock
from deploy.sandbox.messages.pages import account_page, messages_page
from deploy.sandbox.messages.smtp import smtp_server
from deploy.sandbox.messages.store import KINDS, Kind, MessageStore
from deploy.sandbox.part import Part
from deploy.sandbox.settings import SandboxSettings

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024
MAX_KEY_CHARACTERS = 255


def message_providers(settings: SandboxSettings, *, clock: Clock | None = None) -> Part:
    clock = clock or SystemClock()
    store = MessageStore()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        if settings.sandbox_smtp_listen is None:
            yield
            return
        host, _, port = settings.sandbox_smtp_listen.rpartition(":")
        async with smtp_server(store, clock, host.strip("[]"), int(port)) as bound:
            log.info("mail is taken", address=f"smtp://{host}:{bound}")
            yield

    key = settings.sandbox_message_key
    provider = _Provider(store, clock, key.get_secret_value() if key else "")
    return Part(
        [
            *(Route(f"/{kind}", _listing(store, kind)) for kind in KINDS),
            Route("/account/{kind}", _account),
            Route("/v1/sms", provider.take_sms, methods=["POST"]),
            Route("/v1/push", provider.take_push, methods=["POST"]),
        ],
        lifespan,
    )


def _listing(store: MessageStore, kind: Kind) -> Any:
    async def show(request: Request) -> Response:
        messages = store.newest(kind, request.query_params.get("to"))
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(messages_page(kind, messages))
        return Response(orjson.dumps({kind: messages}), media_type="application/json")

    return show


async def _account(request: Request) -> Response:
    page = account_page(request.path_params["kind"])
    return HTMLResponse(page) if page else Response("There is no such link.", 404)


class _Provider:
    """Takes messages from who knows the key; the same idempotency key again is the same message."""

    def __init__(self, store: MessageStore, clock: Clock, key: str) -> None:
        self._store = store
        self._clock = clock
        self._key = key

    async def take_sms(self, request: Request) -> Response:
        return await self._take("sms", request)

    async def take_push(self, request: Request) -> Response:
        return await self._take("push", request)

    async def _take(self, kind: Kind, request: Request) -> Response:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self._key or not hmac.compare_digest(shown.encode(), self._key.encode()):
            return _error(401, "unknown key")
        key = request.headers.get("idempotency-key", "")
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            return _error(400, "Idempotency-Key is missing")
        message = await _message(request)
        if message is None:
            return _error(400, "the body must be JSON with texts, at least `to` and `text`")
        if kind == "sms" and message["to"].endswith("0000"):
            return _error(422, "no such number")
        if kind == "push" and message["to"].startswith("gone"):
            return _error(410, "no such device any more")
        at = self._clock.now().isoformat(timespec="milliseconds")
        self._store.add(kind, {"at": at, **message}, key=key)
        return JSONResponse({"id": key}, 202)


async def _message(request: Request) -> dict[str, str] | None:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    is_message = isinstance(message, dict) and {"to", "text"} <= message.keys()
    return message if is_message and all(isinstance(text, str) for text in message.values()) else None


def _error(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)

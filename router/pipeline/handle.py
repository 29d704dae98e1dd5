"""One HTTP request, from its bytes to the answer's. Read `handle_request` for the order of the steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from router.errors import (
    BATCH_LIMIT_EXCEEDED,
    BATCHING_ERROR,
    BATCHING_NOT_ENABLED,
    GATEWAY_TIMEOUT,
    INTERNAL_SERVER_ERROR,
    MUTATION_FORBIDDEN,
    REQUEST_TIMEOUT,
    SUBSCRIPTION_TRANSPORT,
    UNAUTHENTICATED,
    RequestError,
    refuse,
)
from router.operation.model import OperationKind
from router.pipeline.authenticate import ANONYMOUS_CALLER, Caller
from router.pipeline.csrf import check_csrf
from router.pipeline.engine import Engine
from router.pipeline.http import HttpRequest, HttpResponse
from router.pipeline.negotiate import ANYTHING, Accepted, check_method
from router.pipeline.read import read_payload
from router.pipeline.respond import encode_refusal, encode_result, respond, respond_refusal, respond_stream
from router.pipeline.run import Started, answer, check_subscription, open_stream, start
from router.pipeline.stream import encode_stream

logger = logging.getLogger(__name__)
_ONLY_QUERIES = "GET requests may only execute query operations."


async def handle_request(engine: Engine, request: HttpRequest) -> HttpResponse:
    """Never raises: what cannot be served is answered with GraphQL errors."""
    accepted, asked = ANYTHING, None
    try:
        engine.rate_limits.enter()
    except RequestError as refusal:
        return _refused(engine, refusal, accepted)
    try:
        check_method(request.method)
        accepted = engine.negotiator.accepted(request.headers.get("accept"))
        check_csrf(request, engine.config.csrf)
        with engine.time_limit.started():
            asked = await engine.reader.read(request)
            caller = await identify(engine, request.headers) if engine.asks_who_calls else ANONYMOUS_CALLER
            if engine.rate_limits.has_rates:
                await engine.rate_limits.check(caller, request.headers, request.client_address)
            if isinstance(asked, list):
                return await _answer_batch(engine, asked, caller, request, accepted)
            started = await start(engine, asked, caller, request.headers)
            kind = started.operation.kind
            if kind is OperationKind.SUBSCRIPTION:
                return _answer_stream(engine, started, caller, accepted)
            if kind is OperationKind.MUTATION and request.method == "GET":
                raise refuse(MUTATION_FORBIDDEN, _ONLY_QUERIES, headers={"allow": "POST"})
            return respond(encode_result(await answer(engine, started)), accepted)
    except RequestError as refusal:
        return _refused(engine, refusal, accepted)
    except TimeoutError:
        code = REQUEST_TIMEOUT if asked is None else GATEWAY_TIMEOUT  # the body did not come, or the answer
        return _refused(engine, refuse(code, "Your request has been timed out"), accepted)
    except Exception:
        logger.exception("a fault while serving a request")
        return _refused(engine, refuse(INTERNAL_SERVER_ERROR, "Internal server error"), accepted)
    finally:
        engine.rate_limits.leave()


async def identify(engine: Engine, headers: Mapping[str, str]) -> Caller:
    """The caller by the token in the headers. Raises RequestError."""
    caller = await engine.authenticator.authenticate(headers)
    if engine.config.authorization.require_authentication and not caller.principal.is_authenticated:
        raise refuse(UNAUTHENTICATED, "Authentication is required", headers={"www-authenticate": "Bearer"})
    return caller


def _answer_stream(engine: Engine, started: Started, caller: Caller, accepted: Accepted) -> HttpResponse:
    """Raises RequestError."""
    if accepted.stream is None:
        raise refuse(
            SUBSCRIPTION_TRANSPORT,
            "A subscription needs the header Accept: text/event-stream or multipart/mixed;subscriptionSpec=1.0,"
            " or a WebSocket with the subprotocol graphql-transport-ws.",
        )
    check_subscription(engine)
    results = open_stream(engine, started)
    heartbeat_s = engine.config.subscription.heartbeat_interval
    parts = encode_stream(results, accepted.stream, heartbeat_s, engine.stopping, caller.expires_at)
    return respond_stream(parts, accepted.stream)


async def _answer_batch(
    engine: Engine, entries: list[Any], caller: Caller, request: HttpRequest, accepted: Accepted
) -> HttpResponse:
    """Entries run side by side; each has its own errors. Raises RequestError for the batch as a whole."""
    config = engine.config.batching
    if not config.enabled:
        raise refuse(BATCHING_NOT_ENABLED, "Batching not enabled")
    if not entries:
        raise refuse(BATCHING_ERROR, "A batch needs at least one request")
    if config.maximum_size is not None and len(entries) > config.maximum_size:
        raise refuse(BATCH_LIMIT_EXCEEDED, f"Batch limits exceeded: more than {config.maximum_size} requests")

    async def one(entry: object) -> bytes:
        try:
            started = await start(engine, read_payload(entry), caller, request.headers)
            if started.operation.kind is OperationKind.SUBSCRIPTION:
                raise refuse(BATCHING_ERROR, "A batch cannot hold a subscription")
            return encode_result(await answer(engine, started))
        except RequestError as refusal:
            engine.metrics.failed(refusal.code.name)
            return encode_refusal(refusal)

    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(one(entry)) for entry in entries]
    return respond(b"[" + b",".join(task.result() for task in answers) + b"]", accepted)


def _refused(engine: Engine, refusal: RequestError, accepted: Accepted) -> HttpResponse:
    for error in refusal.errors:
        engine.metrics.failed(error.code.name)
    return respond_refusal(refusal, accepted)

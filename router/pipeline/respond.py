"""Results and refusals to bytes, with the status and content type the client asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from msgspec import Struct

from router.errors import RequestError
from router.execution.json import dump_json, dump_typed
from router.execution.model import ExecutionResult
from router.pipeline.http import HttpResponse, RawHeaders
from router.pipeline.negotiate import Accepted, MediaType
from router.pipeline.stream import encode_once

#: answers may differ between callers; a shared cache must not keep them
_NO_STORE = (b"cache-control", b"no-store")
_VARY = (b"vary", b"accept, origin")
_CONTENT_HEADERS: Mapping[MediaType, RawHeaders] = {
    media_type: ((b"content-type", media_type.value), _NO_STORE, _VARY) for media_type in MediaType
}


def encode_result(result: ExecutionResult) -> bytes:
    """`{"data", "errors", "extensions"}`; absent parts are left out."""
    response: dict[str, Any] = {"data": result.content}
    if result.errors:
        response["errors"] = result.errors
    if result.extensions:
        response["extensions"] = result.extensions
    return dump_typed(response) if isinstance(result.content, Struct) else dump_json(response)


def encode_refusal(refusal: RequestError) -> bytes:
    return dump_json({"errors": [error.as_json() for error in refusal.errors]})


def respond(
    body: bytes, accepted: Accepted, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """One GraphQL response as HTTP; as a stream of one when the client reads only streams."""
    if accepted.single is None and accepted.stream is not None and status == 200:
        return HttpResponse(200, content_headers(accepted.stream), encode_once(body, accepted.stream))
    more: RawHeaders = tuple((name.encode(), value.encode()) for name, value in headers.items()) if headers else ()
    return HttpResponse(status, content_headers(accepted.single or MediaType.JSON) + more, body)


def respond_refusal(refusal: RequestError, accepted: Accepted) -> HttpResponse:
    status = 200 if accepted.is_legacy and refusal.code.in_document else refusal.status
    if accepted.single is None and refusal.code.in_document:
        status = 200  # readers of streams see errors only inside one
    return respond(encode_refusal(refusal), accepted, status, refusal.headers)


def respond_stream(parts: AsyncGenerator[bytes, None], media_type: MediaType) -> HttpResponse:
    return HttpResponse(200, content_headers(media_type), parts)


def content_headers(media_type: MediaType) -> RawHeaders:
    return _CONTENT_HEADERS[media_type]

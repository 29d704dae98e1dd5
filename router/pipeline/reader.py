"""Requests from HTTP messages: the content type says how, and what came before need not be read again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from common.lru import LruMap
from router.config.http import LimitsConfig, UploadsConfig
from router.errors import INVALID_CONTENT_TYPE_HEADER, refuse
from router.pipeline.http import HttpRequest
from router.pipeline.read import GraphQLRequest, read_body, read_query_string
from router.pipeline.read_uploads import read_multipart

_REMEMBERED = 1_000  #: bodies
_LONGEST_REMEMBERED = 4_096  #: bytes


class RequestReader:
    """Remembers short queries: most clients send the same few again and again. What is the same byte for byte is the
    same request, and nobody changes one. Mutations are forgotten at once: they carry passwords and other secrets."""

    def __init__(self, limits: LimitsConfig, uploads: UploadsConfig) -> None:
        self._max_bytes = limits.http_max_request_bytes
        self._upload_limits = uploads.allowed
        self._known: LruMap[bytes, GraphQLRequest] = LruMap(_REMEMBERED)

    async def read(self, request: HttpRequest) -> GraphQLRequest | list[Any]:
        """One request, or the raw entries of a batch. Raises RequestError."""
        if request.method == "GET":
            return read_query_string(request.query_string)
        content_type = request.headers.get("content-type", "")
        if self._upload_limits is not None and content_type.lower().startswith("multipart/form-data"):
            limits = self._upload_limits
            body = await request.read_body(self._max_bytes + limits.max_files * limits.max_file_size)
            return read_multipart(body, content_type, limits, self._max_bytes)
        check_content(content_type, request.headers)
        body = await request.read_body(self._max_bytes)
        known = self._known.get(body)
        if known is not None:
            return known
        asked = read_body(body)
        if len(body) <= _LONGEST_REMEMBERED and isinstance(asked, GraphQLRequest) and _is_surely_a_query(asked):
            self._known.put(body, asked)
        return asked


def _is_surely_a_query(asked: GraphQLRequest) -> bool:
    """Without parsing: a hash alone may stand for anything, and so may a document that has the word in it."""
    return asked.query is not None and "mutation" not in asked.query


def check_content(content_type: str, headers: Mapping[str, str]) -> None:
    """Raises RequestError: 415 for what is not plain JSON in UTF-8."""
    if content_type == "application/json" and "content-encoding" not in headers:
        return
    name, _, parameters = content_type.partition(";")
    if name.strip().lower() != "application/json":
        raise refuse(INVALID_CONTENT_TYPE_HEADER, "The content type of a POST must be application/json.")
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise refuse(INVALID_CONTENT_TYPE_HEADER, "The body must be encoded in UTF-8.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise refuse(
            INVALID_CONTENT_TYPE_HEADER, "Compressed bodies are not accepted.", headers={"accept-encoding": "identity"}
        )

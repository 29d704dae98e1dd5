"""Bytes of the body, or the query string, to GraphQL requests.

Strict where parsers disagree with each other: keys given twice, numbers beyond 64 bits, other encodings and compressed
bodies are refused, so that whatever stands in front of the router has seen the same request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from common.lru import LruMap
from router.config.http import LimitsConfig
from router.errors import (
    INVALID_CONTENT_TYPE_HEADER,
    INVALID_GRAPHQL_REQUEST,
    RequestError,
    refuse,
)
from router.execution.json import MalformedJsonError, load_json
from router.pipeline.http import HttpRequest

_DEEPEST_JSON = 200
_KEY = re.compile(rb'"\s*:')
_MAX_PARAMETERS = 32
_REMEMBERED = 1_000  #: bodies
_LONGEST_REMEMBERED = 4_096  #: bytes
_LONGEST_NAME = 512  #: of an operation; it ends up in traces and logs


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str | None  #: None when only a hash of it was sent
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


class RequestReader:
    """Remembers short queries: most clients send the same few again and again. What is the same byte for byte is the
    same request, and nobody changes one. Mutations are forgotten at once: they carry passwords and other secrets."""

    def __init__(self, limits: LimitsConfig) -> None:
        self._max_bytes = limits.http_max_request_bytes
        self._known: LruMap[bytes, GraphQLRequest] = LruMap(_REMEMBERED)

    async def read(self, request: HttpRequest) -> GraphQLRequest | list[Any]:
        """One request, or the raw entries of a batch. Raises RequestError."""
        if request.method == "GET":
            return read_query_string(request.query_string)
        _check_content(request.headers)
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


def read_body(body: bytes) -> GraphQLRequest | list[Any]:
    payload = read_json(body, "the request body")
    return payload if isinstance(payload, list) else read_payload(payload)


def read_payload(payload: object) -> GraphQLRequest:
    """From parsed JSON. Raises RequestError for what is not a GraphQL request."""
    if not isinstance(payload, dict):
        raise _invalid("the request must be an object")
    query, name = payload.get("query"), payload.get("operationName")
    variables, extensions = payload.get("variables"), payload.get("extensions")
    if query is not None and not isinstance(query, str):
        raise _invalid("'query' must be a string")
    if name is not None and not isinstance(name, str):
        raise _invalid("'operationName' must be a string")
    if name is not None and len(name) > _LONGEST_NAME:
        raise _invalid(f"'operationName' is longer than {_LONGEST_NAME} characters")
    if variables is not None and not isinstance(variables, dict):
        raise _invalid("'variables' must be an object")
    if extensions is not None and not isinstance(extensions, dict):
        raise _invalid("'extensions' must be an object")
    return GraphQLRequest(query, name, variables or {}, extensions or {})


def read_query_string(query_string: bytes) -> GraphQLRequest:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError as exc:
        raise _invalid("the query string cannot be decoded") from exc
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise _invalid(f"the parameter {name[:40]!r} is given twice")
        values[name] = value
    payload: dict[str, object] = {name: values[name] for name in ("query", "operationName") if name in values}
    for name in ("variables", "extensions"):
        if values.get(name):
            payload[name] = read_json(values[name].encode(), f"the parameter '{name}'")
    return read_payload(payload)


def read_json(text: bytes, what: str) -> Any:
    """Raises RequestError for what is not JSON, or JSON that two readers could understand differently."""
    try:
        value = load_json(text)
    except MalformedJsonError as exc:
        raise _invalid(f"{what} is not valid JSON: {str(exc)[:120]}") from None
    except ValueError:
        raise _invalid(f"{what} holds a number that is too large") from None
    if count_keys(value) != len(_KEY.findall(text)):
        _refuse_duplicates(text, what)
    return value


def count_keys(value: object, depth: int = 0) -> int:
    """Keys of all objects inside. Raises RequestError beyond 200 levels, and for integers over 64 bits."""
    if depth > _DEEPEST_JSON:
        raise _invalid("the JSON is nested too deeply")
    if isinstance(value, dict):
        count = len(value)
        for item in value.values():
            if not isinstance(item, str):
                count += count_keys(item, depth + 1)
        return count
    if isinstance(value, list):
        return sum(count_keys(item, depth + 1) for item in value)
    if isinstance(value, int) and value.bit_length() > 64:
        raise _invalid("a number is too large")
    return 0


def _refuse_duplicates(text: bytes, what: str) -> None:
    """The slow way to know: called when `":` occurs more often than there are keys, which a string may cause too."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise _invalid(f"{what} has an object with the same key twice")

    json.loads(text, object_pairs_hook=check)


def _check_content(headers: Mapping[str, str]) -> None:
    content_type = headers.get("content-type", "")
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


def _invalid(details: str) -> RequestError:
    return refuse(INVALID_GRAPHQL_REQUEST, "Invalid GraphQL request", details=details)

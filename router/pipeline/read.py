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

from router.errors import INVALID_GRAPHQL_REQUEST, RequestError, refuse
from router.execution.json import MalformedJsonError, load_json
from router.pipeline.uploads import Uploads

_DEEPEST_JSON = 200
_KEY = re.compile(rb'"\s*:')
_MAX_PARAMETERS = 32
_LONGEST_NAME = 512  #: of an operation; it ends up in traces and logs


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str | None  #: None when only a hash of it was sent
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    uploads: Uploads | None = None  #: files whose placeholders stand in the variables


def read_body(body: bytes) -> GraphQLRequest | list[Any]:
    payload = read_json(body, "the request body")
    return payload if isinstance(payload, list) else read_payload(payload)


def read_payload(payload: object) -> GraphQLRequest:
    """From parsed JSON. Raises RequestError for what is not a GraphQL request."""
    if not isinstance(payload, dict):
        raise invalid("the request must be an object")
    query, name = payload.get("query"), payload.get("operationName")
    variables, extensions = payload.get("variables"), payload.get("extensions")
    if query is not None and not isinstance(query, str):
        raise invalid("'query' must be a string")
    if name is not None and not isinstance(name, str):
        raise invalid("'operationName' must be a string")
    if name is not None and len(name) > _LONGEST_NAME:
        raise invalid(f"'operationName' is longer than {_LONGEST_NAME} characters")
    if variables is not None and not isinstance(variables, dict):
        raise invalid("'variables' must be an object")
    if extensions is not None and not isinstance(extensions, dict):
        raise invalid("'extensions' must be an object")
    return GraphQLRequest(query, name, variables or {}, extensions or {})


def read_query_string(query_string: bytes) -> GraphQLRequest:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError as exc:
        raise invalid("the query string cannot be decoded") from exc
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise invalid(f"the parameter {name[:40]!r} is given twice")
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
        raise invalid(f"{what} is not valid JSON: {str(exc)[:120]}") from None
    except ValueError:
        raise invalid(f"{what} holds a number that is too large") from None
    if count_keys(value) != len(_KEY.findall(text)):
        _refuse_duplicates(text, what)
    return value


def count_keys(value: object, depth: int = 0) -> int:
    """Keys of all objects inside. Raises RequestError beyond 200 levels, and for integers over 64 bits."""
    if depth > _DEEPEST_JSON:
        raise invalid("the JSON is nested too deeply")
    if isinstance(value, dict):
        count = len(value)
        for item in value.values():
            if not isinstance(item, str):
                count += count_keys(item, depth + 1)
        return count
    if isinstance(value, list):
        return sum(count_keys(item, depth + 1) for item in value)
    if isinstance(value, int) and value.bit_length() > 64:
        raise invalid("a number is too large")
    return 0


def _refuse_duplicates(text: bytes, what: str) -> None:
    """The slow way to know: called when `":` occurs more often than there are keys, which a string may cause too."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise invalid(f"{what} has an object with the same key twice")

    json.loads(text, object_pairs_hook=check)


def invalid(details: str) -> RequestError:
    """400: this is no GraphQL request."""
    return refuse(INVALID_GRAPHQL_REQUEST, "Invalid GraphQL request", details=details)

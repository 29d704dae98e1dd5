"""Fetches the schema of a running subgraph: `_service { sdl }`, or introspection where that is not offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import orjson
from graphql import build_client_schema, get_introspection_query, print_schema

from router.errors import ConfigurationError

_TIMEOUT_S = 30.0
_MOST_BYTES = 64 * 1024 * 1024


def fetch_sdl(url: str, headers: Mapping[str, str]) -> str:
    """Blocks for up to a minute. Raises ConfigurationError."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigurationError(f"subgraph_url must be http:// or https://, not {url}")
    service = _post(url, headers, "{ _service { sdl } }").get("_service")
    sdl = service.get("sdl") if isinstance(service, dict) else None
    if isinstance(sdl, str):
        return sdl
    introspection = _post(url, headers, get_introspection_query())
    try:
        return print_schema(build_client_schema(introspection))  # type: ignore[arg-type]  # checked by the function
    except (TypeError, KeyError, ValueError) as exc:
        raise ConfigurationError(f"{url}: offers neither _service {{ sdl }} nor introspection") from exc


def _post(url: str, headers: Mapping[str, str], query: str) -> dict[str, Any]:
    """The `data` of the answer; empty when the query was refused."""
    body = orjson.dumps({"query": query})
    request = Request(url, body, {"content-type": "application/json", **headers})  # noqa: S310 - scheme is checked
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - scheme is checked
            answer = orjson.loads(response.read(_MOST_BYTES))
    except URLError as exc:
        if getattr(exc, "code", None) is not None:
            return {}
        raise ConfigurationError(f"{url}: {exc.reason}") from exc
    except (OSError, orjson.JSONDecodeError) as exc:
        raise ConfigurationError(f"{url}: {exc}") from exc
    data = answer.get("data") if isinstance(answer, dict) else None
    return data if isinstance(data, dict) else {}

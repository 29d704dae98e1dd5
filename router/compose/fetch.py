"""Fetches the schema of a running subgraph: `_service { sdl }`, or introspection where that is not offered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import orjson
from graphql import build_client_schema, get_introspection_query, print_schema

from router.errors import ConfigurationError

_TIMEOUT_S = 30.0
_MOST_BYTES = 64 * 1024 * 1024
_AT_ONCE = 8


def fetch_all(fetches: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Runs the fetches, some at once, and gives their results by the same names. Raises what one of them raised.

    Their threads are daemons: a subgraph that does not answer must not hold up a process that was told to stop.
    """
    results: dict[str, str] = {}
    problems: list[ConfigurationError] = []
    waiting = deque(fetches.items())

    def work() -> None:
        while waiting and not problems:
            try:
                name, fetch = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                results[name] = fetch()
            except ConfigurationError as exc:
                problems.append(exc)

    threads = [Thread(target=work, daemon=True) for _ in range(min(_AT_ONCE, len(fetches)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return results


def fetch_sdl(url: str, headers: Mapping[str, str]) -> str:
    """Blocks for up to a minute. Raises ConfigurationError."""
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"subgraph_url must be http:// or https://, not {url}")
    service = _post(url, headers, "{ _service { sdl } }").data.get("_service")
    sdl = service.get("sdl") if isinstance(service, dict) else None
    if isinstance(sdl, str):
        return sdl
    introspection = _post(url, headers, get_introspection_query())
    try:
        return print_schema(build_client_schema(introspection.data))  # type: ignore[arg-type]  # the function checks it
    except (TypeError, KeyError, ValueError) as exc:
        problem = f"offers neither _service {{ sdl }} nor introspection: {introspection.refusal or exc}"
        raise ConfigurationError(f"{url}: {problem}") from exc


@dataclass(frozen=True, slots=True)
class _Answer:
    data: dict[str, Any]  #: empty when the query was refused
    refusal: str = ""


def _post(url: str, headers: Mapping[str, str], query: str) -> _Answer:
    try:
        body = orjson.dumps({"query": query})
        request = Request(url, body, {"content-type": "application/json", **headers})  # noqa: S310 - scheme is checked
        with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - scheme is checked
            answer = orjson.loads(response.read(_MOST_BYTES))
    except HTTPError as exc:
        with exc:
            return _Answer({}, f"HTTP status {exc.code}")
    except URLError as exc:
        raise ConfigurationError(f"{url}: {exc.reason}") from exc
    except (OSError, HTTPException, ValueError) as exc:  # not HTTP, not JSON, or headers that HTTP cannot carry
        raise ConfigurationError(f"{url}: {exc}") from exc
    if not isinstance(answer, dict):
        return _Answer({}, "the answer is no JSON object")
    data, errors = answer.get("data"), answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    refusal = str(first.get("message", "")) if isinstance(first, dict) else ""
    return _Answer(data if isinstance(data, dict) else {}, refusal)

"""`/health` as Apollo Router answers it, with `/health/live` and `/health/ready` for those who prefer paths.

With `health_check.subgraphs` the first also tells of the subgraphs, by what each says of itself; the other two are
about this process alone, so that a subgraph's trouble takes no router out of service.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.types import Send

from router.execution.json import MalformedJsonError, dump_json, load_json
from router.server.asgi import SECURITY_HEADERS, send_bytes
from router.server.subgraph_pages import get_page
from router.transport.model import SubgraphPages, SubgraphResponse

_UP = b'{"status":"UP"}'
_DOWN = b'{"status":"DOWN"}'
_KEPT_S = 1.0  #: so that asking often costs subgraphs nothing
_WORD = re.compile(r"[a-z0-9_-]{1,40}")
#: what a subgraph calls its state, after common.health and others' habits
_STATES = {"ok": "UP", "up": "UP", "healthy": "UP", "pass": "UP", "degraded": "DEGRADED", "warn": "DEGRADED"}


async def send_health(send: Send, question: str, *, is_ready: bool) -> None:
    """`question` is what follows the path, `live` or `ready`; only the latter can be answered no."""
    is_up = is_ready or question != "ready"
    await _send(send, 200 if is_up else 503, _UP if is_up else _DOWN)


def health_question(path: str, query_string: bytes, health_path: str) -> str | None:
    """`live`, `ready`, or an empty string for neither; None when the path is another."""
    if path == health_path:
        return query_string.decode("latin-1").partition("=")[0].lower()
    if path in (f"{health_path}/live", f"{health_path}/ready"):
        return path.rpartition("/")[2]
    return None


class SubgraphHealth:
    """What subgraphs say of themselves at a path; asked together, at most once a second."""

    def __init__(self, pages: Mapping[str, SubgraphPages], path: str) -> None:
        self._pages = pages
        self._path = path
        self._lock = asyncio.Lock()
        self._report = b""
        self._made_at = float("-inf")

    async def send(self, send: Send) -> None:
        """`{"status", "subgraphs": {name: {"status", "duration_ms", "checks": {name: status}}}}`, always 200."""
        async with self._lock:
            if time.monotonic() - self._made_at >= _KEPT_S:
                self._report = dump_json(await self._ask_all())
                self._made_at = time.monotonic()
        await _send(send, 200, self._report)

    async def _ask_all(self) -> dict[str, Any]:
        answers = await asyncio.gather(*(self._ask(name, pages) for name, pages in self._pages.items()))
        is_whole = all(answer["status"] == "UP" for answer in answers)
        return {"status": "UP" if is_whole else "DEGRADED", "subgraphs": dict(zip(self._pages, answers, strict=True))}

    async def _ask(self, name: str, pages: SubgraphPages) -> dict[str, Any]:
        started_at = time.perf_counter()
        response = await get_page(name, pages, self._path)
        said = {"status": "DOWN"} if response is None else _read(response)
        return {**said, "duration_ms": round((time.perf_counter() - started_at) * 1e3, 1)}


def _read(response: SubgraphResponse) -> dict[str, Any]:
    """Names and states only: texts of errors may name hosts and users."""
    try:
        body = load_json(response.body)
    except MalformedJsonError:
        body = None
    body = body if isinstance(body, dict) else {}
    state = _STATES.get(str(body.get("status", "ok")).lower(), "DOWN")
    said: dict[str, Any] = {"status": state if response.status < 400 else "DOWN"}
    checks = body.get("checks")
    if isinstance(checks, dict):
        said["checks"] = {
            name: _STATES.get(str(check.get("status")).lower(), "DOWN")
            for name, check in checks.items()
            if isinstance(check, dict) and _WORD.fullmatch(name)
        }
    return said


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), *SECURITY_HEADERS)
    await send_bytes(send, status, headers, body)

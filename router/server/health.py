"""`/health` as Apollo Router answers it, with `/health/live` and `/health/ready` for those who prefer paths."""

from __future__ import annotations

from router.server.asgi import SECURITY_HEADERS, Send, send_bytes

_UP = b'{"status":"UP"}'
_DOWN = b'{"status":"DOWN"}'


async def send_health(send: Send, question: str, *, is_ready: bool) -> None:
    """`question` is what follows the path, `live` or `ready`; only the latter can be answered no."""
    is_up = is_ready or question != "ready"
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), *SECURITY_HEADERS)
    await send_bytes(send, 200 if is_up else 503, headers, _UP if is_up else _DOWN)


def health_question(path: str, query_string: bytes, health_path: str) -> str | None:
    """`live`, `ready`, or an empty string for neither; None when the path is another."""
    if path == health_path:
        return query_string.decode("latin-1").partition("=")[0].lower()
    if path in (f"{health_path}/live", f"{health_path}/ready"):
        return path.rpartition("/")[2]
    return None

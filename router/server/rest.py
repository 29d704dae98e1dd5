"""ASGI's messages to REST requests and back; beside the routes their description, for programs and for people."""

from __future__ import annotations

import asyncio
import html

from starlette.types import Receive, Scope, Send

from common.telemetry import ROUTE
from router.errors import HEADERS_TOO_LARGE, refuse
from router.pipeline.http import HttpResponse, RawHeaders
from router.rest import RestFace, handle_rest
from router.rest.problem import JSON_HEADERS, ProblemError, from_refusal, not_allowed
from router.server.asgi import SECURITY_HEADERS, send_bytes
from router.server.cors import Cors
from router.server.http import is_too_large, read_headers, read_request, send_response
from router.server.pages import BUILT_BUNDLE

_FILES = {"swagger-ui-bundle.js": b"text/javascript", "swagger-ui.css": b"text/css", "start.js": b"text/javascript"}
#: Swagger UI writes style attributes and draws with data: images; all else is our own files
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    b" connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def serve_rest(face: RestFace, cors: Cors, scope: Scope, receive: Receive, send: Send) -> None:
    """One request below the face's path, CORS included."""
    if is_too_large(scope["headers"], face.engine.config.limits):
        problem = from_refusal(refuse(HEADERS_TOO_LARGE, "Request header fields are too large"))
        return await send_response(face.problems.respond(problem), SECURITY_HEADERS, receive, send)
    headers = read_headers(scope["headers"])
    origin = headers.get("origin")
    if scope["method"] == "OPTIONS" and origin is not None:
        return await send_bytes(send, 204, cors.preflight(origin, headers), b"")
    more = SECURITY_HEADERS if origin is None else SECURITY_HEADERS + cors.headers(origin)
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
    below = path.removeprefix(face.config.path)
    if below in ("/openapi.json", "/docs") or below.startswith("/docs/"):
        scope[ROUTE] = face.config.path + ("/openapi.json" if below == "/openapi.json" else "/docs")
        return await _serve_description(face, scope["method"], below, more, receive, send)
    if (found := face.find(path)) is not None:
        scope[ROUTE] = face.config.path + found.template
        if scope["method"] == "OPTIONS":
            return await send_bytes(send, 204, ((b"allow", found.allowed.encode()), *more), b"")
    request = read_request(scope, headers, receive)
    response = await handle_rest(face, request, found, path)
    face.engine.readiness.answered(response.status)
    return await send_response(response, more, receive, send)


async def _serve_description(
    face: RestFace, method: str, below: str, more: RawHeaders, receive: Receive, send: Send
) -> None:
    """`below` the face's path: `/openapi.json`, `/docs`, or a file of the latter."""
    response = _description(face, method, below) or await _docs(face, below.removeprefix("/docs").removeprefix("/"))
    await send_response(response, more, receive, send)


def _description(face: RestFace, method: str, below: str) -> HttpResponse | None:
    allowed = "GET, HEAD, OPTIONS"
    if method == "OPTIONS":
        return HttpResponse(204, ((b"allow", allowed.encode()),), b"")
    if method not in ("GET", "HEAD"):
        return face.problems.respond(not_allowed(allowed))
    return HttpResponse(200, JSON_HEADERS, face.openapi) if below == "/openapi.json" else None


async def _docs(face: RestFace, name: str) -> HttpResponse:
    folder = face.config.openapi.docs or BUILT_BUNDLE / "docs"
    if not name:
        has_bundle = await asyncio.to_thread((folder / "swagger-ui-bundle.js").is_file)
        page = _PAGE if has_bundle else _NOT_BUILT
        filled = page.format(path=html.escape(face.config.path), title=html.escape(face.config.openapi.title))
        headers = ((b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", _POLICY))
        return HttpResponse(200, headers, filled.encode())
    try:
        if name not in _FILES:
            raise FileNotFoundError(name)
        body = _START if name == "start.js" else await asyncio.to_thread((folder / name).read_bytes)
    except OSError:
        return face.problems.respond(ProblemError(404, "NOT_FOUND", "There is no such file."))
    return HttpResponse(200, ((b"content-type", _FILES[name]), (b"cache-control", b"no-cache")), body)


_START = b"""\
SwaggerUIBundle({
  url: document.getElementById("docs").dataset.url,
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  withCredentials: false,
});
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{path}/docs/swagger-ui.css">
</head>
<body>
<div id="docs" data-url="{path}/openapi.json"></div>
<script src="{path}/docs/swagger-ui-bundle.js"></script>
<script src="{path}/docs/start.js"></script>
</body>
</html>
"""

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>The routes are described by <a href="{path}/openapi.json">openapi.json</a> (OpenAPI 3.1). The page that shows it is
built at set-up; it is not there. Build it with <code>make web</code> in Punnet's folder, or name the folder of Swagger
UI's files in <code>rest.openapi.docs</code> of the router's configuration.</p>
</body>
</html>
"""

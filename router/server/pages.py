"""GraphiQL in the browser, from files of our own: nothing is asked from anywhere else.

The bundle is a folder with `main.js`, `main.css` and what they load (`deploy/web` builds it). Without it the page says
how to build it, and everything else works.
"""

from __future__ import annotations

import asyncio
import html
import mimetypes
from pathlib import Path

from starlette.types import Send

from router.config.http import HomepageConfig, SandboxConfig
from router.pipeline.http import RawHeaders
from router.server.asgi import SECURITY_HEADERS, send_bytes, send_error

ASSETS = "/graphiql/"
#: where `make web` builds it; whatever folder the router is started in
BUILT_BUNDLE = Path(__file__).resolve().parents[2] / "deploy/web/dist"
_EXAMPLES = "examples.json"
#: what ran offline with GraphiQL 5: the editor writes style attributes, workers come from our own files
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:;"
    " img-src 'self' data:; connect-src 'self' {websockets}; worker-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


class Pages:
    def __init__(self, config: SandboxConfig, homepage: HomepageConfig, endpoint: str) -> None:
        self._config = config
        self._bundle = config.bundle or BUILT_BUNDLE
        self._has_homepage = homepage.enabled
        self._endpoint = endpoint

    @property
    def has_page(self) -> bool:
        return self._config.enabled or self._has_homepage

    @property
    def has_assets(self) -> bool:
        return self._config.enabled

    async def send_page(self, send: Send, host: str) -> None:
        """`host` is the request's Host header: older browsers need the WebSocket's origin in the policy."""
        has_bundle = await asyncio.to_thread((self._bundle / "main.js").is_file)
        page = (self._graphiql() if has_bundle else _NOT_BUILT) if self._config.enabled else _HOMEPAGE
        is_plain = host.replace(".", "").replace(":", "").replace("-", "").replace("[", "").replace("]", "").isalnum()
        policy = _POLICY.format(websockets=f"ws://{host} wss://{host}" if is_plain else "")
        headers: RawHeaders = (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", policy.encode("latin-1")),
            (b"cache-control", b"no-store"),
            (b"vary", b"accept"),
        )
        await send_bytes(send, 200, headers + SECURITY_HEADERS, page.encode())

    async def send_asset(self, send: Send, name: str) -> None:
        """A file of the bundle, or the examples. Only names directly in the folder exist."""
        examples = self._config.examples
        path = examples if name == _EXAMPLES and examples is not None else self._bundle / name
        if "/" in name or "\\" in name or "\0" in name or name.startswith("."):
            return await send_error(send, 404, "NOT_FOUND", "Not found")
        try:
            body = await asyncio.to_thread(path.read_bytes)
        except OSError:
            return await send_error(send, 404, "NOT_FOUND", "Not found")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        caching = b"public, max-age=31536000, immutable" if name.startswith("chunk-") else b"no-cache"
        headers: RawHeaders = ((b"content-type", f"{kind}; charset=utf-8".encode()), (b"cache-control", caching))
        return await send_bytes(send, 200, headers + SECURITY_HEADERS, body)

    def _graphiql(self) -> str:
        examples = f' data-examples="{ASSETS}{_EXAMPLES}"' if self._has_examples() else ""
        return _PAGE.format(assets=ASSETS, endpoint=html.escape(self._endpoint, quote=True), examples=examples)

    def _has_examples(self) -> bool:
        return self._config.examples is not None and Path(self._config.examples).is_file()


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{assets}main.css">
</head>
<body>
<div id="graphiql" data-endpoint="{endpoint}"{examples}></div>
<script type="module" src="{assets}main.js"></script>
</body>
</html>
"""

_HOMEPAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>GraphQL</title></head>
<body>
<h1>GraphQL</h1>
<p>This address answers GraphQL: send a POST with <code>content-type: application/json</code> and the body
<code>{"query": "{ __typename }"}</code>.</p>
</body>
</html>
"""

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>GraphiQL is not built</title></head>
<body>
<h1>GraphiQL is not built</h1>
<p>This address serves GraphQL. Its page for browsers is a bundle that is built at set-up; it is not there.</p>
<p>Build it with <code>make web</code> in Punnet's folder, and load this page again.
The key <code>sandbox.bundle</code> of the router's configuration names another folder.</p>
</body>
</html>
"""

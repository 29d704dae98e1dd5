"""The operation's result to the route's answer: a body, a status, and headers to where things go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct, to_builtins

from router.execution.json import dump_json, dump_typed
from router.execution.model import ExecutionResult
from router.pipeline.http import HttpResponse
from router.rest.arguments import Sent
from router.rest.problem import JSON_HEADERS, ProblemError, Problems
from router.rest.routes import Route

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def respond(
    route: Route, result: ExecutionResult, sent: Sent, problems: Problems, *, place: str, is_anonymous: bool
) -> HttpResponse:
    """`place` is the request's path, which links to further pages repeat.

    Data decides before errors: what was done is answered as done, even when some of what was asked about it is
    missing; then the header `x-partial` has the codes of the errors. Raises ProblemError when there is nothing."""
    if route.errors is not None and (refused := result.at(route.errors)):
        raise problems.of_typed(to_builtins(refused), route.fields)
    body = result.at(route.result)
    if body is None:
        if result.errors:
            raise problems.of_graphql(result.errors, is_anonymous=is_anonymous)
        raise ProblemError(404, "NOT_FOUND", "There is nothing here.")
    headers = list(JSON_HEADERS)
    if result.errors:
        codes = sorted({str((error.get("extensions") or {}).get("code", "ERROR")) for error in result.errors})
        headers.append((b"x-partial", ", ".join(codes).encode("ascii", "replace")))
    if result.extensions.get("idempotentReplay"):
        headers.append((b"idempotent-replayed", b"true"))
    if route.location is not None:
        headers.append((b"location", fill(route.location, ExecutionResult(body)).encode()))
    if route.page is not None and (link := _next_page(to_builtins(result.at(route.page)), sent, place)):
        headers.append((b"link", link.encode()))
    dump = dump_typed if isinstance(result.content, Struct) else dump_json
    return HttpResponse(route.status, tuple(headers), dump(body))


def fill(template: str, body: ExecutionResult) -> str:
    """`/v1/orders/{id}` with the body's own values."""
    return _PARAMETER.sub(lambda match: quote(str(body.at((match[1],))), safe=""), template)


def _next_page(page: Any, sent: Sent, place: str) -> str | None:
    """RFC 8288. The page info is selected under its schema's names, or in snake case."""
    if not isinstance(page, Mapping) or not (page.get("hasNextPage") or page.get("has_next_page")):
        return None
    cursor = page.get("endCursor") or page.get("end_cursor")
    if cursor is None:  # a page of no things leads nowhere
        return None
    query = urlencode({**sent.query, "after": [cursor]}, doseq=True)
    return f'<{place}?{query}>; rel="next"'

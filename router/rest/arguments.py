"""One request to the variables of its route's operation. Nothing is ignored: what no variable takes is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from router.pipeline.http import HttpRequest
from router.pipeline.read import read_json
from router.pipeline.reader import check_content
from router.rest.binding import Binding
from router.rest.exchange import Exchange
from router.rest.problem import ProblemError, invalid_field
from router.rest.routes import Route
from router.rest.values import InvalidFieldError

_MAX_PARAMETERS = 100
_NONE: Any = object()


@dataclass(frozen=True, slots=True)
class Sent:
    """The parts of a request that values come from."""

    parameters: Mapping[str, str]  #: of the path
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Mapping[str, Any]


async def read_body(request: HttpRequest, routes: Sequence[Route], max_bytes: int) -> Mapping[str, Any]:
    """The body of one of these routes. Raises RequestError for what is no JSON, ProblemError for other content."""
    is_any = any(route.any_content_type for route in routes)
    check_content("application/json" if is_any else request.headers.get("content-type", ""), request.headers)
    body = await request.read_body(max_bytes)
    if not body:
        return {}
    content = read_json(body, "the body")
    if not isinstance(content, dict):
        raise ProblemError(400, "VALIDATION_ERROR", "The body must be a JSON object.")
    return content


def read_query(query_string: bytes) -> Mapping[str, list[str]]:
    values: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError:
        raise ProblemError(400, "VALIDATION_ERROR", "The query string cannot be decoded.") from None
    for name, text in pairs:
        values.setdefault(name, []).append(text)
    return values


def choose(routes: Sequence[Route], body: Mapping[str, Any]) -> Route:
    """Of the routes of one place, the one whose condition the body meets. Raises ProblemError."""
    if len(routes) == 1 and routes[0].condition is None:
        return routes[0]
    conditions = [route.condition for route in routes if route.condition is not None]
    name = conditions[0].field
    value = body.get(name)
    for route in routes:
        if route.condition and isinstance(value, str) and value in route.condition.values:
            return route
    allowed = ", ".join(sorted({value for condition in conditions for value in condition.values}))
    raise invalid_field(name, f"must be one of {allowed}")


async def read_variables(route: Route, sent: Sent, exchanges: Mapping[str, Exchange]) -> dict[str, Any]:
    """Raises ProblemError with the name of the field that is wrong."""
    _refuse_unknown(route, sent)
    variables: dict[str, Any] = {}
    exchanged: list[Binding] = []
    for binding in route.bindings:
        value = _value(binding, sent)
        if value is _NONE:
            if binding.generates:
                variables[binding.variable] = uuid4().hex
            elif binding.is_required:
                raise invalid_field(binding.name, "is required")
        elif binding.exchange is not None:
            exchanged.append(binding)
        else:
            try:
                variables[binding.variable] = binding.read(value, binding.name)
            except InvalidFieldError as exc:
                raise invalid_field(exc.field, exc.message) from None
    for binding in exchanged:  # last: nothing leaves the house for a request that is refused anyway
        exchange = exchanges[binding.exchange or ""]
        key = sent.headers.get("idempotency-key")
        variables[binding.variable] = await exchange.token(sent.body[binding.name], binding.name, key)
    return variables


def _value(binding: Binding, sent: Sent) -> Any:
    match binding.place:
        case "path":
            return [sent.parameters[binding.name]]
        case "query":
            return sent.query.get(binding.name, _NONE)
        case "header":
            value = sent.headers.get(binding.name)
            return [value] if value is not None else _NONE
        case "body" | "exchange":
            return sent.body.get(binding.name, _NONE)


def _refuse_unknown(route: Route, sent: Sent) -> None:
    for names, known in ((sent.query, route.query_names), (sent.body, route.body_names)):
        for name in names:
            if name not in known:
                raise invalid_field(name[:100], "is not known here")

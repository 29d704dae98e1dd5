"""One REST request, from its bytes to the answer's. Read `handle_rest` for the order of the steps: the same as those of
GraphQL (`router/pipeline/handle.py`), with the route in the place of the document."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from graphql import OperationType

from router.config.http import CsrfConfig
from router.errors import GATEWAY_TIMEOUT, INTERNAL_SERVER_ERROR, RequestError
from router.operation.model import OperationKind
from router.pipeline.authorize import unauthorized_errors
from router.pipeline.csrf import check_csrf
from router.pipeline.handle import identify
from router.pipeline.http import HttpRequest, HttpResponse
from router.pipeline.read import GraphQLRequest
from router.pipeline.run import answer, start
from router.rest.answer import respond
from router.rest.arguments import Sent, choose, read_body, read_query, read_variables
from router.rest.face import RestFace
from router.rest.problem import IS_ANONYMOUS, ProblemError, from_refusal, not_allowed
from router.rest.routes import Route
from router.rest.table import Found

logger = logging.getLogger(__name__)


async def handle_rest(face: RestFace, request: HttpRequest, found: Found | None, path: str) -> HttpResponse:
    """`found` is what the face has at the path. Never raises: what cannot be served is an envelope."""
    engine = face.engine
    try:
        engine.rate_limits.enter()
    except RequestError as refusal:
        return face.problems.respond(from_refusal(refusal))
    try:
        if found is None:
            raise ProblemError(404, "NOT_FOUND", "There is no such route; openapi.json lists those there are.")
        routes = _routes(found, request.method)
        with engine.time_limit.started():
            has_body = any(route.has_body for route in routes)
            body = await read_body(request, routes, engine.config.limits.http_max_request_bytes) if has_body else {}
            caller = await identify(engine, request.headers)
            if engine.rate_limits.has_rates:
                await engine.rate_limits.check(caller, request.headers, request.client_address)
            sent = Sent(found.parameters, read_query(request.query_string), request.headers, body)
            route = choose(routes, body)
            if not route.any_content_type:
                _check_csrf(route, request, engine.config.csrf)
            is_anonymous = not caller.principal.is_authenticated
            if is_anonymous and route.name in face.protected:  # before anything is sent anywhere
                raise ProblemError(401, "UNAUTHENTICATED", IS_ANONYMOUS)
            variables = await read_variables(route, sent, face.exchanges)
            started = await start(engine, GraphQLRequest(route.text, route.name, variables), caller, request.headers)
            if started.granted.denied and started.operation.kind is OperationKind.MUTATION:  # nothing done by halves
                denied = [error.as_json() for error in unauthorized_errors(started.granted.denied)]
                raise face.problems.of_graphql(denied, is_anonymous=is_anonymous)
            result = await answer(engine, started)
        return respond(route, result, sent, face.problems, place=path, is_anonymous=is_anonymous)
    except ProblemError as problem:
        return face.problems.respond(problem)
    except RequestError as refusal:
        return face.problems.respond(from_refusal(refusal))
    except TimeoutError:
        late = ProblemError(GATEWAY_TIMEOUT.status, GATEWAY_TIMEOUT.name, "Your request has been timed out")
        return face.problems.respond(late)
    except Exception:
        logger.exception("a fault while serving a REST request")
        fault = ProblemError(INTERNAL_SERVER_ERROR.status, "INTERNAL_ERROR", "An internal error occurred")
        return face.problems.respond(fault)
    finally:
        engine.rate_limits.leave()


def _routes(found: Found, method: str) -> Sequence[Route]:
    routes = found.routes.get("GET" if method == "HEAD" else method)  # the server leaves the body out
    if routes is None:
        raise not_allowed(found.allowed)
    return routes


def _check_csrf(route: Route, request: HttpRequest, config: CsrfConfig) -> None:
    """A body is JSON already, which no form sends; a mutation without one needs a header no form has."""
    if not route.has_body and route.operation.operation is OperationType.MUTATION:
        check_csrf(request, config)

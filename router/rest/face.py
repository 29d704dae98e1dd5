"""What outlives a REST request: routes, their plans, exchanges, the description."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.auth import ANONYMOUS
from common.clock import Clock, SystemClock
from router.config.rest import RestConfig
from router.errors import ConfigurationError, RequestError
from router.execution.json import dump_json
from router.pipeline.authorize import authorize
from router.pipeline.engine import Engine
from router.rest.exchange import Exchange, open_exchanges
from router.rest.openapi import describe
from router.rest.problem import Problems
from router.rest.routes import Route, read_routes
from router.rest.table import Found, RouteTable


@dataclass(frozen=True, slots=True)
class RestFace:
    config: RestConfig
    engine: Engine
    table: RouteTable
    exchanges: Mapping[str, Exchange]
    problems: Problems
    openapi: bytes
    protected: frozenset[str]  #: routes that answer nobody without a token

    def has(self, path: str) -> bool:
        return path == self.config.path or path.startswith(f"{self.config.path}/")

    def find(self, path: str) -> Found | None:
        return self.table.find(path.removeprefix(self.config.path))


@asynccontextmanager
async def open_face(config: RestConfig, engine: Engine, *, clock: Clock | None = None) -> AsyncIterator[RestFace]:
    """Raises ConfigurationError for a document that cannot be served, with its file and line."""
    routes = read_routes(config, engine.supergraph.api_schema)
    _check_cookies(engine, routes)
    protected = frozenset([route.name for route in routes if await _needs_token(engine, route)])
    problems = Problems(clock or SystemClock(), config.statuses)
    async with open_exchanges(config.exchanges) as exchanges:
        yield RestFace(
            config,
            engine,
            RouteTable(routes),
            exchanges,
            problems,
            dump_json(describe(config, routes, engine.supergraph.api_schema, protected, problems)),
            protected,
        )


def _check_cookies(engine: Engine, routes: Sequence[Route]) -> None:
    """A page of another origin could send a form with the caller's cookie to a route that reads any content."""
    jwt = engine.config.authentication.router.jwt
    if jwt is None or all(source.type != "cookie" for source in jwt.sources):
        return
    for route in routes:
        if route.any_content_type:
            raise ConfigurationError(
                f"rest.documents: {route.name}: anyContentType cannot be had together with tokens in cookies"
                " (authentication.router.jwt.sources): other sites could send such requests"
            )


async def _needs_token(engine: Engine, route: Route) -> bool:
    """Whether nobody without a token gets an answer. Plans the operation on the way: the first caller does not wait,
    and what the limits refuse is found at the start."""
    try:
        prepared = await engine.documents.prepare(route.text, route.name)
        await engine.plans.plan(prepared, prepared.whole, frozenset())
    except RequestError as refusal:
        raise ConfigurationError(f"rest.documents: {route.name}: {refusal}") from refusal
    schema, nobody = engine.supergraph.api_schema, frozenset[str]()
    denied = authorize(prepared.operation, engine.access_rules, schema, ANONYMOUS, nobody).denied
    return any(len(path) == 1 for path in denied)

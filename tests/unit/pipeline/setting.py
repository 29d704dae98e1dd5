"""The tiny subgraph behind a router with the configuration a test gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.config import parse_config
from router.pipeline.engine import PolicyCheck, no_policies
from router.server.app import RouterApp, create_router_app
from tests.kit.asgi import Client, running
from tests.kit.tiny_subgraph import SUPERGRAPH


@asynccontextmanager
async def router(config: str = "", check_policies: PolicyCheck = no_policies) -> AsyncIterator[Client]:
    app = create_router_app(parse_config(config, {}), SUPERGRAPH, check_policies=check_policies)
    async with running(app) as client:
        yield client


def router_app(config: str = "") -> RouterApp:
    app = create_router_app(parse_config(config, {}), SUPERGRAPH)
    assert isinstance(app, RouterApp)
    return app

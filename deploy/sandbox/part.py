"""What the sandbox is made of: independent parts, each with its routes, its background and its readiness."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.routing import BaseRoute

from common.health import HealthCheck


@dataclass(frozen=True, slots=True)
class Part:
    routes: Sequence[BaseRoute]
    #: entered when the application starts, left when it stops
    lifespan: Callable[[], AbstractAsyncContextManager[None]]
    checks: Sequence[HealthCheck] = ()

"""An ASGI application: found by name, made once, its lifespan run beside it."""

from __future__ import annotations

import asyncio
import importlib
from types import TracebackType
from typing import Any

from starlette.types import ASGIApp, Message

from router.transport.addresses import AsgiAddress, BadAddressError
from router.transport.errors import ConnectFailedError


def load_app(address: AsgiAddress) -> ASGIApp:
    """Import the module and call the factory. Raises `BadAddressError` when there is no such thing; what the factory
    raises goes through."""
    try:
        found: Any = importlib.import_module(address.module)
        for name in address.factory.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as exc:
        raise BadAddressError(f"asgi://{address.module}:{address.factory} cannot be loaded: {exc}") from exc
    app: ASGIApp = found()
    return app


class Lifespan:
    """`async with Lifespan(app)`: startup before the body, shutdown after it (ASGI lifespan 2.0).

    The application runs in a task of its own, as under a server, so that its context managers are entered and left in
    one task. An application which does not know lifespans raises on the scope: then there is nothing to run.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.state: dict[str, Any] = {}  #: what startup put there; copied into every request's scope

    async def __aenter__(self) -> Lifespan:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}

        async def run() -> None:
            await self._app(scope, self._to_app.get, self._from_app.put)

        self._task = asyncio.create_task(run(), name="asgi lifespan")
        answer = await self._ask("lifespan.startup")
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            await self._end()
            raise ConnectFailedError(f"the application did not start: {answer.get('message', '')}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if not self._task.done():
            await self._ask("lifespan.shutdown")
        await self._end()

    async def _end(self) -> None:
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # retrieved: an application may raise after it said so, or on the scope at once

    async def _ask(self, message_type: str) -> Message | None:
        """The application's answer, or None when it returned or raised instead."""
        self._to_app.put_nowait({"type": message_type})
        answer = asyncio.create_task(self._from_app.get())
        await asyncio.wait([answer, self._task], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

"""The ASGI shell around the pipeline: HTTP, WebSocket, pages, health, metrics; and the process that serves it.

`create_router_app` is for applications that mount it; they run its lifespan: `async with Lifespan(router)`.
"""

from router.server.app import create_router_app
from router.transport.asgi.app import Lifespan

__all__ = ["Lifespan", "create_router_app"]

"""The ASGI shell around the pipeline: HTTP, WebSocket, pages, health, metrics; and the process that serves it."""

from router.server.app import create_router_app

__all__ = ["create_router_app"]

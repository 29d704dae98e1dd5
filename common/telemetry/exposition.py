"""`/metrics`: the registry as text, in OpenMetrics (with exemplars) for whoever asks for it."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.types import ASGIApp, Receive, Scope, Send


def metrics_endpoint(registry: CollectorRegistry) -> ASGIApp:
    """An ASGI application for GET; to be mounted or routed to."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        accept = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
        encode, content_type = choose_encoder(accept)
        body = encode(registry)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer

"""Turning a caller away before GraphQL begins: an HTTP answer in GraphQL's form, or a refused WebSocket handshake."""

import orjson
from starlette.types import Receive, Scope, Send

from common.errors import PunnetError
from common.subgraph.errors import extensions_of

#: WebSocket close codes, RFC 6455 section 7.4 and IANA's registry
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013


async def refuse(scope: Scope, receive: Receive, send: Send, error: PunnetError) -> None:
    """For scopes `http` and `websocket`; the handshake is answered with a status where the server can do that."""
    body = orjson.dumps({"errors": [{"message": error.public_message, "extensions": extensions_of(error)}]})
    if scope["type"] == "http":
        kind = "http.response"
    else:
        # the application must take the connect event before it answers it
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            code = TRY_AGAIN_LATER if error.is_retryable else POLICY_VIOLATION
            await send({"type": "websocket.close", "code": code, "reason": error.code})
            return
        kind = "websocket.http.response"
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": error.http_status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})

"""What can go wrong between router and subgraph.

    TransportError                    code of the client's error
    ├── ConnectFailedError            SUBREQUEST_HTTP_ERROR         nothing was sent
    ├── ConnectionLostError           SUBREQUEST_HTTP_ERROR         it ended before the whole response came
    ├── ResponseTooLargeError         SUBREQUEST_HTTP_ERROR
    ├── MalformedHttpError            SUBREQUEST_HTTP_ERROR
    ├── RequestTimedOutError          GATEWAY_TIMEOUT
    ├── CircuitOpenError              SUBREQUEST_CIRCUIT_OPEN       not tried: the last calls failed
    ├── OverloadedError               REQUEST_CONCURRENCY_LIMITED   not tried: too many others are waiting for answers
    ├── StreamRefusedError            SUBREQUEST_WEBSOCKET_ERROR    no such protocol there, or it said no
    └── StreamBrokenError             SUBREQUEST_WEBSOCKET_ERROR    it ended without `complete`

Codes are those of Apollo Router where it has one. The text of `reason` is for operators: the executor puts it into
`extensions.reason`, which the error policy may redact.
"""

from __future__ import annotations

from typing import ClassVar


class TransportError(Exception):
    code: ClassVar[str] = "SUBREQUEST_HTTP_ERROR"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConnectFailedError(TransportError):
    """No connection: nothing was sent."""


class ConnectionLostError(TransportError):
    """The connection ended before the whole response came.

    `before_response` says that nothing of a response to this request had arrived; on a connection that was reused this
    mostly means that the server closed it as idle while the request was on its way (RFC 9112, 9.3.1).
    """

    def __init__(self, reason: str, *, before_response: bool) -> None:
        super().__init__(reason)
        self.before_response = before_response


class ResponseTooLargeError(TransportError):
    pass


class MalformedHttpError(TransportError):
    pass


class RequestTimedOutError(TransportError):
    code = "GATEWAY_TIMEOUT"


def timed_out(timeout_s: float) -> RequestTimedOutError:
    return RequestTimedOutError(f"no response within {timeout_s:g} s")


class CircuitOpenError(TransportError):
    code = "SUBREQUEST_CIRCUIT_OPEN"


class OverloadedError(TransportError):
    code = "REQUEST_CONCURRENCY_LIMITED"


class StreamRefusedError(TransportError):
    code = "SUBREQUEST_WEBSOCKET_ERROR"


class StreamBrokenError(TransportError):
    code = "SUBREQUEST_WEBSOCKET_ERROR"

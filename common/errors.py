"""Errors that cross a border between rooms or processes.

    PunnetError
    ├── BadInputError           BAD_USER_INPUT        the caller sent something we refuse
    │   └── RequestTooLargeError  REQUEST_TOO_LARGE   … without having read all of it
    ├── UnauthenticatedError    UNAUTHENTICATED       no, or no valid, proof of who is calling
    ├── ForbiddenError          FORBIDDEN             known caller, not allowed
    ├── NotFoundError           NOT_FOUND
    ├── ConflictError           CONFLICT              the state does not allow it (any more)
    ├── RateLimitedError        RATE_LIMITED          retryable after `retry_after_s`
    ├── UnavailableError        SERVICE_UNAVAILABLE   something we depend on is away; retryable
    │   └── CircuitOpenError                          … and we did not even try
    ├── DeadlineExceededError   TIMEOUT               the outcome is unknown; retryable with the same idempotency key
    └── InternalError           INTERNAL_ERROR        our fault; clients see a generic sentence

Two texts: `str(error)` is for our logs, `public_message` is what a client may read. For the kinds that explain the
caller's own mistake they are the same; for the others the public one is fixed, so that nothing of our inside gets
out.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class PunnetError(Exception):
    """Root of the tree. `code` is stable and part of the API; `details` must be JSON and safe for clients."""

    code: str = "INTERNAL_ERROR"
    http_status: int = 500
    is_retryable: bool = False
    #: shown instead of the message; None: the message itself was written for clients
    fixed_public_message: ClassVar[str | None] = "Internal server error"

    def __init__(self, message: str = "", *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or self.fixed_public_message or self.code)
        self.details: Mapping[str, Any] = details or {}

    @property
    def public_message(self) -> str:
        return str(self) if self.fixed_public_message is None else self.fixed_public_message


class BadInputError(PunnetError):
    code = "BAD_USER_INPUT"
    http_status = 400
    fixed_public_message = None


class RequestTooLargeError(BadInputError):
    code = "REQUEST_TOO_LARGE"
    http_status = 413


class UnauthenticatedError(PunnetError):
    """The public text never says why: an attacker learns nothing, the log does."""

    code = "UNAUTHENTICATED"
    http_status = 401
    fixed_public_message = "Authentication is required"


class ForbiddenError(PunnetError):
    code = "FORBIDDEN"
    http_status = 403
    fixed_public_message = "Not allowed"


class NotFoundError(PunnetError):
    code = "NOT_FOUND"
    http_status = 404
    fixed_public_message = None


class ConflictError(PunnetError):
    code = "CONFLICT"
    http_status = 409
    fixed_public_message = None


class RateLimitedError(PunnetError):
    code = "RATE_LIMITED"
    http_status = 429
    is_retryable = True
    fixed_public_message = "Too many requests"

    def __init__(self, message: str = "", *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnavailableError(PunnetError):
    code = "SERVICE_UNAVAILABLE"
    http_status = 503
    is_retryable = True
    fixed_public_message = "The service is unavailable at the moment"


class CircuitOpenError(UnavailableError):
    """Refused without a try because the last calls failed. `retry_after_s`: until the next trial is let through."""

    def __init__(self, message: str = "", *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(PunnetError):
    code = "TIMEOUT"
    http_status = 504
    is_retryable = True
    fixed_public_message = "The service did not answer in time"


class InternalError(PunnetError):
    pass

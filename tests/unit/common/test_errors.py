"""The error tree: two texts, stable codes."""

import pytest

from common import errors


@pytest.mark.parametrize(
    ("error", "code", "status", "is_retryable", "public"),
    [
        (errors.BadInputError("first: at most 100"), "BAD_USER_INPUT", 400, False, "first: at most 100"),
        (errors.UnauthenticatedError("wrong aud"), "UNAUTHENTICATED", 401, False, "Authentication is required"),
        (errors.ForbiddenError("needs ops:read"), "FORBIDDEN", 403, False, "Not allowed"),
        (errors.NotFoundError("no such order"), "NOT_FOUND", 404, False, "no such order"),
        (errors.ConflictError("paid already"), "CONFLICT", 409, False, "paid already"),
        (errors.RateLimitedError(retry_after_s=3), "RATE_LIMITED", 429, True, "Too many requests"),
        (errors.InternalError("KeyError: 'x'"), "INTERNAL_ERROR", 500, False, "Internal server error"),
        (errors.CircuitOpenError(retry_after_s=3), "SERVICE_UNAVAILABLE", 503, True, None),
        (errors.UnavailableError("pg:5432 refused"), "SERVICE_UNAVAILABLE", 503, True, None),
        (errors.DeadlineExceededError("2 s"), "TIMEOUT", 504, True, "The service did not answer in time"),
    ],
)
def test_clients_read_what_was_written_for_them(
    error: errors.PunnetError, code: str, status: int, is_retryable: bool, public: str | None
) -> None:
    assert (error.code, error.http_status, error.is_retryable) == (code, status, is_retryable)
    assert error.public_message == (public or "The service is unavailable at the moment")

"""Errors as the API tells them: `{"error": {"type", "code", "message", …}}`.

ApiError
├── invalid_request_error   400, 401, 403, 404, 409: the caller's mistake
├── idempotency_error       400: the key was used for another request
└── card_error              402: the card's fault; `decline_code` says why
"""

from typing import Any


class ApiError(Exception):
    def __init__(
        self, status: int, code: str, message: str, *, kind: str = "invalid_request_error", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message, **more}}


def missing(what: str) -> ApiError:
    return ApiError(404, "resource_missing", f"There is no such {what}.")


def invalid(code: str, message: str, **more: Any) -> ApiError:
    return ApiError(400, code, message, **more)


def in_use(message: str) -> ApiError:
    """The idempotency key was used for something else."""
    return ApiError(400, "idempotency_key_in_use", message, kind="idempotency_error")


def card_error(code: str, message: str, **more: Any) -> ApiError:
    return ApiError(402, code, message, kind="card_error", **more)

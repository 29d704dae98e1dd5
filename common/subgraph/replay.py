"""Telling the caller that an answer is that of an earlier request: `extensions.idempotentReplay` of the response.

Whoever finds the stored answer says so here, deep inside a mutation; the request's context carries it to the response.
"""

from contextvars import ContextVar
from typing import Any

EXTENSION = "idempotentReplay"

#: `extensions` of the response being made; None outside of a request
_extensions: ContextVar[dict[str, Any] | None] = ContextVar("response_extensions", default=None)


def fill_extensions(extensions: dict[str, Any]) -> None:
    """From now on, in this task and those it starts, marks go into this mapping."""
    _extensions.set(extensions)


def current_extensions() -> dict[str, Any]:
    """What was marked for the response being made; empty outside of a request."""
    return _extensions.get() or {}


def mark_replay() -> None:
    """The answer in the making is one that was given before."""
    extensions = _extensions.get()
    if extensions is not None:
        extensions[EXTENSION] = True

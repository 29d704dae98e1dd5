"""The time a request may still take, handed down without parameters: whoever waits for the network asks here first.

A deadline is a point on the monotonic clock in a context variable; tasks inherit it, and an inner one can only be
nearer.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: on `time.monotonic`, in seconds
_deadline_at: ContextVar[float | None] = ContextVar("punnet_deadline_at", default=None)


@contextmanager
def deadline_scope(timeout_s: float) -> Iterator[None]:
    """Inside, no more than `timeout_s` from now; less if an outer deadline is nearer. Nothing is cancelled."""
    outer_at = _deadline_at.get()
    at = time.monotonic() + timeout_s
    token = _deadline_at.set(at if outer_at is None else min(at, outer_at))
    try:
        yield
    finally:
        _deadline_at.reset(token)


def remaining_s(limit_s: float) -> float:
    """Seconds one may wait: `limit_s`, or what is left until the deadline if that is less. Never negative."""
    at = _deadline_at.get()
    return limit_s if at is None else max(0.0, min(limit_s, at - time.monotonic()))

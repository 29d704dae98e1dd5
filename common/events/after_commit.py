"""What has to wait for the commit: waking whoever looks for rows that the current transaction is about to make visible.

Woken earlier they would look too early and had to look again and again; each look costs more than the work it finds.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: of the current task's outermost transaction; None outside of any
_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("after_commit", default=None)


def after_commit(callback: Callable[[], None]) -> None:
    """Calls it when the transaction of the current task has committed, never if it does not; at once outside of one.

    It is called in that task and must neither raise nor take long.
    """
    waiting = _waiting.get()
    if waiting is None:
        callback()
    else:
        waiting.append(callback)


@contextmanager
def calling_after_commit() -> Iterator[None]:
    """Around a transaction, its commit included. A savepoint's callbacks wait for the transaction it is part of."""
    if _waiting.get() is not None:
        yield
        return
    waiting: list[Callable[[], None]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    for callback in waiting:
        callback()

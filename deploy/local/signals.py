"""Ctrl-C and SIGTERM: the first asks for an orderly stop, the second ends everything at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Raised in the main thread at the first signal; like KeyboardInterrupt it passes `except Exception`."""


@contextmanager
def stop_signals(kill_everything: Callable[[], None]) -> Iterator[None]:
    """Inside, the first signal raises StopRequested; another one while that unwinds kills all children and ends us."""
    requested = False

    def handle(signum: int, _frame: FrameType | None) -> None:
        nonlocal requested
        if requested:
            kill_everything()
            os._exit(128 + signum)
        requested = True
        raise StopRequested

    previous = {signum: signal.signal(signum, handle) for signum in _STOPPING}
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)

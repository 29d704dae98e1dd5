"""Ending with status 0 where a signal asked for it."""

import signal
from types import FrameType


def end_well_on_signals() -> None:
    """SIGTERM and SIGINT end this process with status 0. Call it in the main thread, before a server takes the signals:
    uvicorn serves its requests to the end and then raises the signal again, for whoever had it before.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)

"""Several processes on one port: forked after the socket is bound and before anything else is opened.

The kernel hands each connection to one of them. When one ends, all end: a supervisor starts the router anew, and half
a router that looks whole is worse than none. Counters are each worker's own; scrape one worker per pod, or run one.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn


def run_workers(run: Callable[[], None], count: int) -> None:
    """Until a signal comes or a worker ends. Exits with status 1 if one ended by itself."""
    pids = {_fork(run) for _ in range(count)}
    is_stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_stopping
        is_stopping = True
        for pid in pids:
            os.kill(pid, number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ended_by_itself = False
    while pids:
        pid, _ = os.wait()
        pids.discard(pid)
        if not is_stopping:
            ended_by_itself = True
            stop(signal.SIGTERM, None)
    if ended_by_itself:
        sys.exit(1)


def _fork(run: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        _run_child(run)
    return pid


def _run_child(run: Callable[[], None]) -> NoReturn:
    status = 0
    try:
        run()
    except BaseException:  # a border: nothing may come back into the parent's code
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

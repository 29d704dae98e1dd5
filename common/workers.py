"""Several processes on one port: forked after the socket is bound and before anything else is opened.

The kernel hands each connection to one of them. A worker that ends by itself is replaced; if it could not live all end,
since a supervisor knows how long to wait before the next try, and half a service that looks whole is worse than none.
Workers never outlive the process that forked them. Counters are each worker's own, and whoever scrapes `/metrics` gets
those of the worker that answers: scrape one worker per pod, or run one.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import structlog

_STOPPING = (signal.SIGTERM, signal.SIGINT)
_AWAITED = (*_STOPPING, signal.SIGCHLD)

_log = structlog.get_logger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound but does not listen yet. Raises OSError with the address in its text."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as exc:
        listening.close()
        raise OSError(f"{host}:{port} cannot be listened on: {exc.strerror}") from exc
    return listening


def run_workers(run: Callable[[Path | None], None], count: int, *, healthy_after_s: float = 3.0) -> None:
    """Calls `run` in `count` processes, or here if that is one; returns when all have ended after a signal. Exits with
    status 1 if one could not live, that is, ended before `healthy_after_s`. `run` gets a folder for what workers tell
    each other, None without others."""
    if count == 1:
        run(None)
        return
    # taken by `sigwait` alone: a handler could miss its moment between a look and the wait
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    life_line = os.pipe()
    with TemporaryDirectory(prefix="punnet-") as folder:
        all_lived = _supervise(lambda: _fork(lambda: run(Path(folder)), life_line), count, healthy_after_s)
    if not all_lived:
        sys.exit(1)


def _supervise(fork: Callable[[], int], count: int, healthy_after_s: float) -> bool:
    """False if a worker could not live."""
    started_at_s = {fork(): time.monotonic() for _ in range(count)}
    is_stopping, all_lived = False, True
    while started_at_s:
        number = signal.sigwait(_AWAITED)
        if number != signal.SIGCHLD:
            is_stopping = True
            _send(number, started_at_s)
        for pid, status in _ended(started_at_s):
            lived_s = time.monotonic() - started_at_s.pop(pid)
            if is_stopping:
                continue
            _log.warning("a worker ended", pid=pid, status=status, lived_s=round(lived_s, 1))
            if lived_s < healthy_after_s:
                is_stopping, all_lived = True, False
                _send(signal.SIGTERM, started_at_s)
            else:
                started_at_s[fork()] = time.monotonic()
    return all_lived


def _send(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


def _ended(pids: Iterable[int]) -> list[tuple[int, int]]:
    """Those that have ended, and with which status: a signal as a negative number."""
    waited = [os.waitpid(pid, os.WNOHANG) for pid in pids]
    return [(pid, os.waitstatus_to_exitcode(status)) for pid, status in waited if pid]


def _fork(run: Callable[[], None], life_line: tuple[int, int]) -> int:
    pid = os.fork()
    if pid == 0:
        _run_child(run, life_line)
    return pid


def _run_child(run: Callable[[], None], life_line: tuple[int, int]) -> NoReturn:
    status = 0
    try:
        parent, our_copy = life_line
        os.close(our_copy)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # a border: nothing may come back into the parent's code
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with(parent: int) -> None:
    """Nothing is ever written: the end of the pipe is the end of whoever forked us."""
    os.read(parent, 1)
    os._exit(1)

"""A subgraph that is back a moment after SIGKILL: `python -m deploy.prove.crashes.again NAME HOST:PORT`.

Starting a process is mostly loading its code. This loads it once and forks: who serves has nothing of its predecessor,
and of its parent the code alone, as no module of a subgraph has a state. A SIGKILL is noted in the folder of the
failpoints, and another one serves; any other end is the end of the parent, too.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from deploy.local.process import dies_with_parent
from deploy.serve import serve_subgraph

#: how the names of such notes begin
KILLED = "killed "


def main(name: str, address: str) -> None:
    host, _, port = address.rpartition(":")
    importlib.import_module(f"subgraphs.{name}.app")
    gc.collect()
    gc.freeze()
    folder = Path(os.environ["PUNNET_FAILPOINT"].removeprefix("@"))
    die_with_us = dies_with_parent(signal.SIGKILL)
    while True:
        # held back until there is somebody to pass it on to
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        child = os.fork()
        if child == 0:
            if die_with_us is not None:
                die_with_us()
            _serve(name, host, int(port))
        status = _wait_for(child)
        if status != -signal.SIGKILL:
            sys.exit(status)
        (folder / f"{KILLED}{time.time_ns()}").touch()


def _wait_for(child: int) -> int:
    """Its exit status, a signal as a negative number; what asks us to end is passed on."""
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _serve(name: str, host: str, port: int) -> NoReturn:
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        serve_subgraph(name, host, port)
        status = 0
    except BaseException:  # a border: nothing may come back into the parent's code
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`python -m tests.kit.numbered_workers HEALTHY_AFTER_S [fails]`: two workers on a port, who tell their numbers.

Prints the port, then the number of each worker when it serves. With `fails`, workers end at their start instead.
"""

import os
import socket
import sys
from pathlib import Path

from common.stopping import end_well_on_signals
from common.workers import bind, run_workers


def serve(listening: socket.socket) -> None:
    end_well_on_signals()
    listening.listen()
    os.write(1, b"%d\n" % os.getpid())  # as one: `print` may write the end of the line apart, after another's number
    while True:
        connection, _ = listening.accept()
        connection.sendall(str(os.getpid()).encode())
        connection.close()


def main(healthy_after_s: float, *, fails: bool) -> None:
    def run(folder: Path | None) -> None:
        assert folder is not None
        assert folder.is_dir()
        if fails:
            raise RuntimeError("cannot live")
        serve(listening)

    with bind("127.0.0.1", 0) as listening:
        print(listening.getsockname()[1], flush=True)
        run_workers(run, 2, healthy_after_s=healthy_after_s)


if __name__ == "__main__":
    main(float(sys.argv[1]), fails=sys.argv[2:] == ["fails"])

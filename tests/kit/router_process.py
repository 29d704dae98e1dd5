"""`router serve` as a process of its own, on a free port of loopback."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LISTENS = re.compile(rb"GraphQL endpoint at http://127\.0\.0\.1:(\d+)/")


@dataclass(slots=True)
class RouterProcess:
    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit status, and how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - started

    def wait_until_it_says(self, words: bytes) -> None:
        _wait_for(self.process, re.compile(re.escape(words)))


@contextmanager
def router_process(supergraph: Path, *arguments: str) -> Iterator[RouterProcess]:
    process = start(supergraph, *arguments)
    try:
        yield RouterProcess(process, int(_wait_for(process, _LISTENS)[1]))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def start(supergraph: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "router.cli", "serve", "--supergraph", str(supergraph)]
    return subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _wait_for(process: subprocess.Popen[bytes], words: re.Pattern[bytes], timeout_s: float = 60.0) -> re.Match[bytes]:
    """In what the process says from now on."""
    assert process.stdout is not None
    deadline, said = time.monotonic() + timeout_s, b""
    while time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.2)[0]:
            said += os.read(process.stdout.fileno(), 65536)
            if found := words.search(said):
                return found
        if process.poll() is not None:
            break
    raise AssertionError(f"the router does not say {words.pattern!r} but {said.decode()}")

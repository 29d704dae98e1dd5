"""`router compose --watch` as a process of its own, and what it says line by line."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class WatchingComposer:
    process: subprocess.Popen[bytes]
    said: str = ""

    def says(self, words: str, timeout_s: float = 60.0) -> str:
        """Waits for these words; returns all that was said since the last call, and forgets it."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + timeout_s
        while words not in self.said or not self.said.endswith("\n"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"it did not say {words!r} but {self.said!r}")
            if select.select([self.process.stderr], [], [], 0.2)[0]:
                self.said += os.read(self.process.stderr.fileno(), 65536).decode()
        said, self.said = self.said, ""
        return said

    def stop(self, number: int) -> tuple[int, str]:
        """Exit status, and what was said until then."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        assert self.process.stderr is not None
        return status, self.process.stderr.read().decode()


@contextmanager
def watching_composer(config: Path, *arguments: str) -> Iterator[WatchingComposer]:
    process = subprocess.Popen(
        [sys.executable, "-m", "router.cli", "compose", "--watch", "--config", str(config), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield WatchingComposer(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()

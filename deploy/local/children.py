"""Our own processes: started with a log each, started again when they die, stopped in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.process import keep_previous_log, kill, spawn, tail, wait_for
from deploy.local.state import ROOT

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
#: a process that lived this long starts over with the shortest pause
_HEALTHY_AFTER_S = 60.0
#: a slow or busy machine takes its time; who ends meanwhile is noticed at once
_READY_TIMEOUT_S = 300.0
_STOP_TIMEOUT_S = 25.0


@dataclass(frozen=True, slots=True)
class Program:
    """How one process is started. What its `environment` sets, our own may override; `ready_url` answers 200 once it
    may be asked."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    ready_url: str


@dataclass(slots=True)
class Child:
    """A program and the process that runs it at the moment."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    #: when it may be started again after its death, by the monotonic clock
    due_at_s: float = field(default=0.0)

    def start(self) -> None:
        keep_previous_log(self.log)
        environment = {**self.program.environment, **os.environ}
        self.process = spawn(self.program.argv, log=self.log, environment=environment, cwd=ROOT)
        self.started_at_s = time.monotonic()

    def wait_until_ready(self) -> None:
        """Raises LocalError with the end of its log when it dies or is not ready in time."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not _answers(self.program.ready_url):
            if self.process is None or self.process.poll() is not None:
                raise LocalError(f"{self.program.name} ended at its start (log {self.log}):\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise LocalError(f"{self.program.name} is not ready after {_READY_TIMEOUT_S:g} s (log {self.log})")
            time.sleep(0.05)

    def revive(self) -> str | None:
        """Start again what has died, after a pause that doubles with each early death; says what happened."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due_at_s:
                self.start()
            return None
        status = self.process.poll()
        if status is None:
            return None
        self.pause_s = _FIRST_PAUSE_S if now - self.started_at_s > _HEALTHY_AFTER_S else self.pause_s
        self.process, self.due_at_s = None, now + self.pause_s
        said = f"{self.program.name} ended with status {status}, starts again in {self.pause_s:g} s (log {self.log}.1)"
        self.pause_s = min(2 * self.pause_s, _LONGEST_PAUSE_S)
        return said


def stop_all(children: Sequence[Child]) -> None:
    """Ask all, once, then wait for each: they finish the requests they hold at the same time."""
    for child in children:
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    for child in children:
        if child.process is not None:
            wait_for(child.process, timeout_s=_STOP_TIMEOUT_S)


def kill_all(children: Sequence[Child]) -> None:
    for child in children:
        if child.process is not None:
            kill(child.process)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10.0) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

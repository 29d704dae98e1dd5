"""Several processes on one port: killed ones are replaced, all end together, none is left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.local.process import command_line


@dataclass(slots=True)
class Workers:
    process: subprocess.Popen[str]
    port: int = 0

    def says(self, words: str) -> str:
        """The next line with such words; log lines come in between."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(words, line):
                return found[0]
        raise AssertionError(f"the workers ended without saying {words}")

    def next_number(self) -> int:
        return int(self.says(r"^\d+$"))

    def who_answers(self) -> int:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            return int(connection.recv(100))


@contextmanager
def two_workers(*arguments: str) -> Iterator[Workers]:
    command = [sys.executable, "-m", "tests.kit.numbered_workers", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            workers = Workers(process)
            workers.port = workers.next_number()
            yield workers
        finally:
            process.kill()


def until_gone(*numbers: int) -> None:
    deadline = time.monotonic() + 60
    while any(command_line(number) for number in numbers):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_worker_is_replaced_and_a_signal_ends_all_well() -> None:
    with two_workers("0") as workers:
        killed, other = workers.next_number(), workers.next_number()
        os.kill(killed, signal.SIGKILL)
        workers.says("a worker ended")
        replacement = workers.next_number()
        assert {workers.who_answers() for _ in range(20)} <= {other, replacement}
        workers.process.terminate()
        assert workers.process.wait(60) == 0
        until_gone(other, replacement)


def test_workers_that_cannot_live_end_with_status_1() -> None:
    with two_workers("3600", "fails") as workers:
        said, _ = workers.process.communicate(timeout=60)
        assert workers.process.returncode == 1
        assert "cannot live" in said


def test_workers_do_not_outlive_who_forked_them() -> None:
    with two_workers("0") as workers:
        numbers = [workers.next_number(), workers.next_number()]
        workers.process.kill()
        until_gone(*numbers)

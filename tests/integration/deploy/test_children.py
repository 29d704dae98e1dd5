"""Our own processes under the supervisor: started again when they die, not when they fail at their first start."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.children import Child, Program, kill_all, stop_all
from deploy.local.errors import LocalError
from deploy.local.process import command_line


class _Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def ready_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Ready) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def child(folder: Path, program: str, ready_url: str, *arguments: str) -> Child:
    return Child(Program("part", [sys.executable, "-c", program, *arguments], {}, ready_url), folder / "part.log")


def test_a_child_that_dies_is_started_again_after_a_pause_that_doubles(tmp_path: Path, ready_url: str) -> None:
    part = child(tmp_path, "import sys; print('why', flush=True); sys.exit(7)", ready_url)
    part.start()
    said: list[str] = []
    deadline = time.monotonic() + 60
    while len(said) < 2:
        assert time.monotonic() < deadline
        said += [text for text in [part.revive()] if text]
        time.sleep(0.01)
    log = f"(log {part.log}.1)"
    assert said == [
        f"part ended with status 7, starts again in 0.5 s {log}",
        f"part ended with status 7, starts again in 1 s {log}",
    ]
    assert Path(f"{part.log}.1").read_text() == "why\n"


def test_a_child_that_fails_at_its_first_start_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    part = child(tmp_path, "raise SystemExit('no database')", "http://127.0.0.1:9/")
    part.start()
    with pytest.raises(LocalError, match=r"(?s)part ended at its start.*no database"):
        part.wait_until_ready()


def test_children_are_asked_to_stop_and_killed_only_when_that_was_in_vain(tmp_path: Path, ready_url: str) -> None:
    part = child(tmp_path, POLITE, ready_url)
    part.start()
    assert part.process is not None
    wait_for_line(part.log)
    stop_all([part])
    assert part.process.returncode == 0


def test_a_child_is_asked_once_because_asked_again_it_would_leave_its_work_undone(
    tmp_path: Path, ready_url: str
) -> None:
    parts = [child(tmp_path / seconds, COUNTING, ready_url, seconds) for seconds in ("0.3", "0.9")]
    for part in parts:
        part.log.parent.mkdir()
        part.start()
        wait_for_line(part.log)
    stop_all(parts)
    assert [part.log.read_text() for part in parts] == ["up\nasked 1 times\n"] * 2


POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("up", flush=True)
time.sleep(60)
"""

COUNTING = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("up", flush=True)
while not asked:
    time.sleep(0.01)
time.sleep(float(sys.argv[1]))
print("asked", len(asked), "times", flush=True)
"""


def test_a_kill_takes_along_what_the_child_started(tmp_path: Path, ready_url: str) -> None:
    part = child(tmp_path, PARENT, ready_url)
    part.start()
    wait_for_line(part.log)
    kill_all([part])
    assert_ends(int(part.log.read_text()))


PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""


def test_a_child_dies_with_its_supervisor(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR.format(log=str(log))])
    try:
        wait_for_line(log)
    finally:
        supervisor.kill()
        supervisor.wait()
    assert_ends(int(log.read_text()))


SUPERVISOR = """
import sys, time
from pathlib import Path
from deploy.local.process import spawn
spawn([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"], log=Path({log!r}))
time.sleep(60)
"""


def wait_for_line(log: Path) -> None:
    deadline = time.monotonic() + 60
    while not log.exists() or not log.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 60
    while "time.sleep(60)" in command_line(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.01)

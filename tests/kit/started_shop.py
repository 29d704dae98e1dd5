"""The shop as its users start it: `punnet up` in a process of its own, on a free port, with data of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import asyncpg

from deploy.local.process import command_line, tail
from deploy.local.state import StateFolder
from tests.kit.card_search import require_no_cards_in_databases, require_no_cards_on_pages
from tests.kit.ports import free_port

_START_TIMEOUT_S = 600.0
#: who asks gives up late, but before the router does, which waits 10 s: the sandbox is slow on purpose at times
_PATIENT = {"PUNNET_COMMAND_TIMEOUT_S": "8", "PUNNET_PAYMENT_PROVIDER_TIMEOUT_S": "8"}


@dataclass(slots=True)
class StartedShop:
    """A started `punnet up`. `output` collects what it prints."""

    folder: Path
    port: int
    is_split: bool
    is_patient: bool = True  #: its subgraphs wait longer for others than they do for users
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.out")

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        arguments = ["up", "--port", str(self.port), "--no-web", *(["--split"] if self.is_split else [])]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deploy.cli", *arguments],
                env={**os.environ, "PUNNET_HOME": str(self.folder), **(_PATIENT if self.is_patient else {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while "Punnet is ready" not in self.said():
            assert self.process.poll() is None, f"`punnet up` ended:\n{self.said()}"
            assert time.monotonic() < deadline, f"`punnet up` is not ready:\n{self.said()}"
            time.sleep(0.05)

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def stop(self) -> int:
        """Stop as Ctrl-C does; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)

    def kill_9(self) -> None:
        """SIGKILL to every process of the shop at once, servers included; returns when all are gone."""
        assert self.process is not None
        family = {self.process.pid, *descendants(self.process.pid)}
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + 60
        while any(command_line(pid) for pid in family):
            assert time.monotonic() < deadline, "a process survived SIGKILL"
            time.sleep(0.01)

    def database_url(self) -> str:
        """Of the embedded PostgreSQL while the shop runs."""
        running = StateFolder(self.folder).running()
        assert running is not None
        return running.database_url


@contextlib.contextmanager
def started_shop(folder: Path, *, is_split: bool, is_patient: bool = True) -> Iterator[StartedShop]:
    """Started before the block, stopped after it, whatever became of it in between."""
    shop = StartedShop(folder / "state", free_port(), is_split, is_patient)
    try:
        shop.start()
        yield shop
        if shop.process is not None and shop.process.poll() is None:
            _require_no_cards(shop)
    except Exception as error:
        error.add_note(last_words(shop.folder))
        raise
    finally:
        if shop.process is not None and shop.process.poll() is None:
            shop.stop()


def last_words(folder: Path) -> str:
    """The ends of the logs of a shop that is there, for who looks into a failure: they are gone when it is."""
    logs = sorted((folder / "logs").glob("*.log"))
    return "\n".join(f"--- {log.name}\n{tail(log, lines=20)}" for log in logs)


def _require_no_cards(shop: StartedShop) -> None:
    """Of a shop that runs; what a test has killed may just be starting again."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            require_no_cards_in_databases(shop.database_url())
            return require_no_cards_on_pages(shop.url)
        except (OSError, HTTPException, asyncpg.PostgresError, asyncpg.InterfaceError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def child(shop: StartedShop, words: str) -> int:
    """The process of the shop whose command line holds `words`; 0 when there is none."""
    assert shop.process is not None
    # PostgreSQL's own children have other names
    return next((pid for pid in descendants(shop.process.pid) if words in command_line(pid)), 0)


def descendants(pid: int) -> set[int]:
    """Process ids of all children, their children, and so on."""
    children: dict[int, set[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, set()).add(child)
    found: set[int] = set()
    todo = [pid]
    while todo:
        new = children.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """(process, its parent) for every process: from /proc, or from `ps` where there is none."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            child, parent = line.split()
            yield int(child), int(parent)
        return
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # the name, in parentheses, may hold blanks and parentheses itself
            yield int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])

"""The folder `.punnet/`: what a machine keeps between starts, who is running on it, and its generated secrets.

lock            held by whoever runs or changes the data; the kernel lets go of it when the holder dies
running.json    addresses of what runs now (owner only: the NATS address holds a token)
secrets/        generated once, owner only
postgres/ nats/ data and server logs
logs/           what our own processes say, one file each
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.postgres import reachable_folder

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """What `punnet up` started. `subgraph_urls` is empty when the subgraphs live in the router's process."""

    pid: int
    url: str
    database_url: str
    nats_url: str
    subgraph_urls: Mapping[str, str]
    #: the payment provider and the others that are not ours
    sandbox_url: str = ""


@dataclass(frozen=True, slots=True)
class StateFolder:
    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def nats(self) -> Path:
        return self.path / "nats"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone; raises LocalError naming who has it."""
        self._create()
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                running = self.running()
                who = "another punnet command uses it"
                if running:
                    who = f"process {running.pid} serves {running.url}, Ctrl-C there or `kill {running.pid}` stops it"
                raise LocalError(
                    f"{self.path} is in use: {who}. PUNNET_HOME=/another/folder is a shop beside it."
                ) from None
            (self.path / "running.json").unlink(missing_ok=True)  # of a start that was killed
            yield

    def running(self) -> Running | None:
        """What runs on this folder at the moment, if anything."""
        try:
            with (self.path / "lock").open("a") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None  # nobody holds it: whatever running.json says is over
        except FileNotFoundError:
            return None
        except BlockingIOError:
            pass
        try:
            return Running(**json.loads((self.path / "running.json").read_text()))
        except FileNotFoundError:  # still starting
            return None

    @contextmanager
    def announced(self, running: Running) -> Iterator[None]:
        """Tell other commands what runs, for as long as it does."""
        path = self.path / "running.json"
        new = path.with_suffix(".new")
        write_private(new, json.dumps(asdict(running)))
        new.replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove all data, also what PostgreSQL keeps elsewhere; the folder must not be in use."""
        with self.locked():
            for folder in (reachable_folder(self.postgres), self.postgres, self.nats, self.logs, self.path / "secrets"):
                shutil.rmtree(folder, ignore_errors=True)
            (self.path / "demo.json").unlink(missing_ok=True)

    def _create(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # Nobody else may list it; PostgreSQL, which does not run as root, passes through to its data.
            self.path.chmod(0o711)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LocalError(
                f"{self.path} cannot be written: {error.strerror}. Set PUNNET_HOME to another folder."
            ) from error


def state_folder() -> StateFolder:
    """`.punnet/` of this checkout, or the folder PUNNET_HOME names."""
    return StateFolder(Path(os.environ.get("PUNNET_HOME") or ROOT / ".punnet").absolute())


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)

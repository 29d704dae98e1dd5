"""From a fresh clone to a running command, with nothing but Python 3.11+, its venv module and the network.

    python3 deploy/boot.py local -- punnet up        what the product needs to run on one machine
    python3 deploy/boot.py dev   -- pytest           the same and the tools of development

Makes `.venv`, installs the locked packages (each pinned by hash) with plain pip when the lock has changed since, makes
our folders importable, writes the `punnet` command, and turns into the given command. Says nothing and takes a moment
when all that is done already. Standard library only; an old Python must get far enough to read why it is refused.
"""

import sys

# Before anything that an older Python does not understand.
OLDEST_PYTHON = (3, 11)
if sys.version_info < OLDEST_PYTHON:
    sys.exit(
        f"Punnet needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer;"
        f" {sys.executable} is {sys.version.split()[0]}.\n"
        "Give it a newer one: make PYTHON=/path/to/python3.11 ..."
    )

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
#: each profile holds what the ones before it hold
PROFILES = ("local", "dev")

# Whatever the path of the clone, the command is found: a `#!` line is cut at 127 bytes and knows no blanks.
# -P: the folder someone stands in does not shadow a module.
_COMMAND = '#!/bin/sh\nexec "$(dirname "$0")/python" -P -m deploy.cli "$@"\n'


def main(arguments: Sequence[str]) -> NoReturn:
    """Set up and become the command. Ends with status 1 and a sentence when that cannot be."""
    if len(arguments) < 3 or arguments[0] not in PROFILES or arguments[1] != "--":
        fail("usage: boot.py local|dev -- COMMAND [ARGUMENT ...]")
    try:
        set_up(ROOT, arguments[0])
    except OSError as error:
        fail(f"Setting up in {ROOT} failed: {error}")
    except KeyboardInterrupt:
        fail("\nStopped; the next start goes on.")
    environment = dict(os.environ, VIRTUAL_ENV=str(ROOT / ".venv"))
    environment["PATH"] = os.pathsep.join([str(ROOT / ".venv/bin"), os.environ.get("PATH", os.defpath)])
    os.chdir(ROOT)
    # exec: signals and the terminal belong to the command from here on
    os.execvpe(arguments[2], list(arguments[2:]), environment)  # noqa: S606


def set_up(root: Path, profile: str) -> None:
    """Make `.venv` hold what the profile's lock says. Several starts at once wait for one that does the work."""
    if _holds(root, profile):
        return
    (root / ".punnet").mkdir(exist_ok=True)
    with _one_at_a_time(root):
        if _holds(root, profile):
            return
        current = lock_digests(root)
        installed = installed_digests(root)
        # A changed lock may have dropped packages, so the environment is made anew; a wider profile is added to it.
        if not installed or any(current[name] != digest for name, digest in installed.items()):
            installed = {}
            _make_environment(root)
        _install(root, profile)
        _connect(root)
        included = PROFILES[: PROFILES.index(profile) + 1]
        _stamp(root).write_text(json.dumps({**installed, **{name: current[name] for name in included}}))


def lock_digests(root: Path) -> dict[str, str]:
    """profile -> digest of all that its environment depends on: the lock, the interpreter, the place."""
    place = f"{sys.version_info[0]}.{sys.version_info[1]} {root}".encode()
    return {name: hashlib.sha256(place + _lock(root, name).read_bytes()).hexdigest() for name in PROFILES}


def installed_digests(root: Path) -> Mapping[str, str]:
    """profile -> digest at its installation; empty when the environment is missing, unfinished or damaged."""
    if not os.access(root / ".venv/bin/python", os.X_OK):
        return {}
    try:
        stamp: dict[str, str] = json.loads(_stamp(root).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if stamp.keys() <= set(PROFILES) else {}


def _holds(root: Path, profile: str) -> bool:
    return installed_digests(root).get(profile) == lock_digests(root)[profile]


def _lock(root: Path, profile: str) -> Path:
    return root / "deploy/locks" / f"{profile}.txt"


def _stamp(root: Path) -> Path:
    return root / ".venv/punnet.json"


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    with (root / ".punnet/install.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_environment(root: Path) -> None:
    say("Making a Python environment in .venv")
    environment = root / ".venv"
    shutil.rmtree(environment, ignore_errors=True)
    made = _run([sys.executable, "-m", "venv", str(environment)])
    if made.returncode != 0:
        shutil.rmtree(environment, ignore_errors=True)
        fail(
            f"{sys.executable} cannot make a virtual environment.\n"
            "On Debian and Ubuntu that part is a package of its own: apt install python3-venv\n\n" + made.stdout.strip()
        )


def _install(root: Path, profile: str) -> None:
    lock = _lock(root, profile)
    total = sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())
    say(f"Installing {total} locked packages, about a minute the first time")
    options = ["--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    command = [str(root / ".venv/bin/python"), "-m", "pip", "install", *options, "-r", str(lock)]
    lines: list[str] = []
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    with pip:
        for line in pip.stdout or ():
            lines.append(line)
            if line.startswith("Collecting "):
                progress(f"  downloading {line.split()[1]}")
            elif line.startswith("Installing collected"):
                progress("  unpacking")
    progress("")
    if pip.returncode != 0:
        fail("The packages could not be installed. pip's last lines:\n\n" + "".join(lines[-25:]))


def _connect(root: Path) -> None:
    """Make our folders importable from anywhere and write the command `punnet`; no build backend is needed."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(_run([str(root / ".venv/bin/python"), "-c", where]).stdout.strip())
    (packages / "punnet.pth").write_text(f"{root}\n")
    command = root / ".venv/bin/punnet"
    command.write_text(_COMMAND)
    command.chmod(0o755)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def progress(text: str) -> None:
    """One line that is written over by the next; only where somebody looks."""
    if sys.stderr.isatty():
        print("\r\033[K" + text[: shutil.get_terminal_size().columns - 1], end="", file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    say(text)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])

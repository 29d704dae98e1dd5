"""Child processes which never outlive us: own session, death with the parent, orderly stop, orphans taken over.

Every child runs in a session of its own, so that Ctrl-C at the terminal reaches only the supervisor, which then stops
its children one after another in the right order.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
#: then an orphan is killed
_ORPHAN_TIMEOUT_S = 15.0
#: of a log's tail: a traceback in JSON is one line of thousands of characters
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a child runs as, when that is not ourselves."""

    uid: int
    gid: int


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path | None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    on_parent_death: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own; its output goes to the file `log`, or where ours goes when there is none.

    On Linux the kernel sends `on_parent_death` when the *thread* that started the child ends: call this from the main
    thread. Elsewhere an orphan is found by `end_orphan` at the next start.
    """
    with contextlib.ExitStack() as files:
        output = files.enter_context(log.open("ab")) if log else None
        return subprocess.Popen(  # noqa: S603 - the commands are our own
            [os.fspath(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=dict(environment) if environment is not None else None,
            cwd=cwd,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=dies_with_parent(on_parent_death),  # noqa: PLW1509 - one C call, prepared before the fork
        )


def dies_with_parent(signum: signal.Signals) -> Callable[[], None] | None:
    """What a child calls right after the fork; to be made before it. None where the kernel knows no such thing."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: nothing may be imported or loaded after it
    parent = os.getpid()

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signum))
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return set_signal


def stop(process: subprocess.Popen[bytes], signum: signal.Signals, *, timeout_s: float) -> bool:
    """Ask with `signum`, kill the whole session after `timeout_s`; False when it had to be killed."""
    if process.poll() is None:
        process.send_signal(signum)
    return wait_for(process, timeout_s=timeout_s)


def wait_for(process: subprocess.Popen[bytes], *, timeout_s: float) -> bool:
    """Of a process that was asked to stop: kill its whole session after `timeout_s`; False when that was needed."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        kill(process)
        return False
    return True


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the child and whatever it started in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def command_line(pid: int) -> str:
    """The command line of a running process, empty when there is no such process."""
    proc = Path("/proc")
    if (proc / "self/cmdline").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    found = subprocess.run(  # noqa: S603
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - macOS, where /proc is missing
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def end_orphan(pid: int, *, marker: str, signum: signal.Signals) -> bool:
    """End a process which an earlier start left behind; True when there was one.

    `marker` must stand in its command line: after a reboot the number in a pid file may belong to a stranger, who is
    left alone.
    """
    if marker not in command_line(pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)
    deadline = time.monotonic() + _ORPHAN_TIMEOUT_S
    while marker in command_line(pid):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + _ORPHAN_TIMEOUT_S
        time.sleep(0.02)
    return True


def keep_previous_log(log: Path) -> None:
    """Begin a new log and keep the one before as `<name>.1`, which tells why the last run ended."""
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))


def tail(log: Path, *, lines: int = 12) -> str:
    """The last lines of a log, for an error message; long ones are cut."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(
        line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in text.splitlines()[-lines:]
    )

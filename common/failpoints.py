"""Named places at which a process can be made to die, for proofs of what survives.

    failpoint("orders.place.after_commit")

does nothing unless PUNNET_FAILPOINT names it: then the process kills itself with SIGKILL, as a crash would, at the N-th
passing. Names are `<room>.<step>.<before|after>_<commit|call|publish|ack>`. PUNNET_FAILPOINT is

    orders.place.after_commit:3     die at the third passing in this process (`:1` may be left out)
    @/path/of/a/folder              the files in it say so, at any time: one that is called `orders.place.after_commit`
                                    and contains `3`. Whoever dies removes it first, so of several processes, and
                                    after a restart, exactly one dies once

The variable is read when this module is imported. In production it is not honoured.
(After FreeBSD's fail(9) and PingCAP's failpoints.)
"""

import os
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Trap(Protocol):
    def passed(self, name: str) -> None:
        """Kills this process, or returns."""
        ...


@dataclass(frozen=True, slots=True)
class FixedTrap:
    name: str
    passings: int
    seen: Counter[str] = field(default_factory=Counter)

    def passed(self, name: str) -> None:
        self.seen[name] += 1
        if name == self.name and self.seen[name] >= self.passings:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class FolderTrap:
    folder: Path
    #: passings by name and by the file that counted them: a new file counts anew
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)

    def passed(self, name: str) -> None:
        wish = self.folder / name
        try:
            written = wish.stat().st_mtime_ns
            self.seen[name, written] += 1
            if self.seen[name, written] < int(wish.read_text()):
                return
            wish.unlink()
        except FileNotFoundError:  # nobody is to die here, or somebody else has just done so
            return
        os.kill(os.getpid(), signal.SIGKILL)


def trap_of(environ: Mapping[str, str]) -> Trap | None:
    """What PUNNET_FAILPOINT asks for; None without it, and in production."""
    wish = environ.get("PUNNET_FAILPOINT", "")
    if not wish or environ.get("PUNNET_ENVIRONMENT") == "production":
        return None
    if wish.startswith("@"):
        return FolderTrap(Path(wish[1:]))
    name, _, passings = wish.partition(":")
    return FixedTrap(name, int(passings or 1))


def failpoint(name: str) -> None:
    """Die here if that was asked for. Costs a function call and a comparison when it was not."""
    if _TRAP is not None:
        _TRAP.passed(name)


_TRAP = trap_of(os.environ)

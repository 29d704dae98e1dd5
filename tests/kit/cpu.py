"""CPU time of a started shop, process by process. Linux only: it reads /proc."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests.kit.started_shop import descendants

#: not ours, or not asked to do the work: named beside the sum
BESIDE = ("postgres", "nats", "sandbox", "supervisor")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(supervisor_pid: int) -> dict[str, float]:
    """Seconds since each process began, user and system, by what it is: router, a subgraph's name, one of BESIDE.

    Steps of 10 ms. Children that ended are counted with the process that started them.
    """
    spent: defaultdict[str, float] = defaultdict(float)
    for pid in {supervisor_pid, *descendants(supervisor_pid)}:
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            # behind the name, in parentheses: state is field 3, utime to cstime are fields 14 to 17
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            spent[_name(command)] += sum(int(ticks) for ticks in fields[11:15]) * _TICK_S
    return spent


def own_s(spent: Mapping[str, float]) -> float:
    """Of the router and the subgraphs together."""
    return sum(seconds for name, seconds in spent.items() if name not in BESIDE)


def _name(command: list[str]) -> str:
    if "postgres" in command[0]:
        return "postgres"
    if "nats-server" in command[0]:
        return "nats"
    arguments = command[command.index("deploy.cli") + 1 :] if "deploy.cli" in command else []
    match arguments:
        case ["subgraph", name, *_]:
            return name
        case ["router" | "sandbox" as name, *_]:
            return name
        case _:
            return "supervisor"

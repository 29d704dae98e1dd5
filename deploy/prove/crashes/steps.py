"""The steps at which a process can be made to die: the `failpoint("…")` calls of the sources, dealt out into rounds."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.state import ROOT

_CALL = re.compile(r'failpoint\("([a-z_.]+)"\)')
_ROOMS = ("common", "subgraphs")
#: of one subgraph in one round: few enough to be told apart when a law is broken
_ARMED_AT_ONCE = 3
#: how often a step lets a process pass first: mostly not at all, so that many deaths take little time
_PASSINGS, _WEIGHTS = (1, 2, 3), (5, 3, 2)


def steps_of_the_code(patterns: str = "") -> list[str]:
    """Names in the order of the alphabet; those that match one of the patterns, or all. Raises LocalError where a
    pattern matches none."""
    steps = sorted(set(_names()))
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    for pattern in wanted:
        if not any(fnmatchcase(step, pattern) for step in steps):
            raise LocalError(f"No step {pattern}; there are {', '.join(steps)}.")
    return [step for step in steps if not wanted or any(fnmatchcase(step, pattern) for pattern in wanted)]


def _names() -> Iterator[str]:
    for room in _ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.name != "failpoints.py":
                yield from _CALL.findall(path.read_text())


def rounds_of(steps: Sequence[str]) -> list[list[str]]:
    """Steps of all subgraphs in every round, so that their processes die at the same time; a few of each."""
    by_owner: dict[str, list[str]] = {}
    for step in steps:
        by_owner.setdefault(step.partition(".")[0], []).append(step)
    count = max(-(-len(owned) // _ARMED_AT_ONCE) for owned in by_owner.values())
    return [[step for owned in by_owner.values() for step in owned[number::count]] for number in range(count)]


@dataclass(frozen=True, slots=True)
class Traps:
    """Arms steps: a file in the folder that all processes of a shop look into (`common.failpoints`)."""

    folder: Path
    random: random.Random

    def arm(self, step: str) -> None:
        """Whole or not at all: processes read it at any time."""
        (passings,) = self.random.choices(_PASSINGS, _WEIGHTS)
        new = self.folder / f"{step}.new"
        new.write_text(str(passings))
        new.replace(self.folder / step)

    def is_armed(self, step: str) -> bool:
        """False once somebody has died there."""
        return (self.folder / step).exists()

    def disarm(self, step: str) -> None:
        (self.folder / step).unlink(missing_ok=True)

"""What was asked of a run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.prove.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Options:
    scale: float
    seed: int
    report: Path | None
    #: shell patterns with commas: steps of the crash matrix at which processes die; all unless given
    steps: str = ""

    @property
    def share(self) -> str:
        """How this run differs from a full one; empty where it does not."""
        shares = [
            *([] if self.scale == 1 else [f"at scale {self.scale:g}"]),
            *([f"steps {self.steps}"] if self.steps else []),
        ]
        return f" ({', '.join(shares)})" if shares else ""


@dataclass(frozen=True, slots=True)
class Result:
    scenario: Scenario
    options: Options
    holds: bool
    said: str
    seconds: float
    #: how often the auditor looked during the run
    samples: int

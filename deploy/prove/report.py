"""docs/reliability.md: what was proved, with which numbers, where, and on which sources."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.state import ROOT
from deploy.prove.laws import LAWS
from deploy.prove.result import Result

_ROW = re.compile(r"^\| (R\d+|M\d+|L10) \|")
_HEAD = """# What holds, and how we know

`punnet prove` starts an empty shop of its own for each scenario (embedded PostgreSQL with fsync, NATS with synced
files, a process per subgraph, the router in front), does to it what the scenario says, and has an auditor check the
laws while it runs and once it is at rest. The table is written by that program; nothing in it is typed by hand.

    punnet prove                      all of it
    punnet prove --only R1,R5         some of it
    punnet prove --scale 0.1          with smaller numbers, quickly
    punnet prove --only R9 --steps 'orders.*,payments.capture.*'
    punnet prove --report docs/reliability.md

## Laws

| law | says | checked |
|---|---|---|
"""


def write_report(path: Path, results: Sequence[Result]) -> None:
    """Rows of scenarios that were not run this time stay."""
    rows = _rows_of(path) | {result.scenario.number: _row(result) for result in results}
    laws = "".join(
        f"| {law.number} | {law.says} | {'during the run and at rest' if law.always else 'at rest'} |\n" for law in LAWS
    )
    laws += "| L10 | No card number or code in any table, log, span, metric, stream or file. | by the canary, below |\n"
    table = (
        f"\n## Scenarios\n\nWritten {datetime.now(UTC):%Y-%m-%d}.\n\n"
        "| # | scenario | numbers | result | samples | seconds | machine | commit |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    ordered = sorted(rows, key=lambda number: (number[0] != "R", number[0], int(number[1:])))
    path.write_text(_HEAD + laws + table + "\n".join(rows[number] for number in ordered) + "\n")


def _row(result: Result) -> str:
    scenario = result.scenario
    cells = [
        scenario.number,
        scenario.title,
        scenario.numbers + result.options.share,
        ("holds: " if result.holds else "**disproved**: ") + result.said.replace("|", "/").replace("\n", " ")[:600],
        str(result.samples) if scenario.is_audited else "by itself",
        f"{result.seconds:.0f}",
        machine(),
        commit(),
    ]
    return "| " + " | ".join(cells) + " |"


def _rows_of(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = ((_ROW.match(line), line) for line in path.read_text().split("## Scenarios")[-1].splitlines())
    return {match[1]: line for match, line in found if match}


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"

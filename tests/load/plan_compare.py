"""Compares our query plans with those printed by another router.

    python -m tests.load.plan_compare CASES_DIR [--audit AUDIT_DIR] [--show TEST]

CASES_DIR holds `cases.json`: planner tests with `operation`, `supergraph` (a file) and printed plans. Every plan of
ours is checked for soundness, and its fetches and round trips are counted against the printed plan's. AUDIT_DIR holds
folders with `supergraph.graphql` and `tests.json`; their queries are planned and checked. Planning is timed cold: every
measured plan starts from an empty query graph.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import parse, validate

from router.operation.model import Operation
from router.operation.normalize import normalize_operation
from router.plan.text import print_plan
from router.plan.walk import fetch_count, round_trips
from router.planner import Planner, PlanningError
from router.supergraph import Supergraph, load_supergraph
from tests.kit.plan_checker import check_plan

_ROUNDS = 5
_COUNTS = (
    "planned", "refused by both", "invalid for clients", "sound",
    "compared", "more fetches", "deeper", "fewer", "shallower",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    supergraph: Path
    operation: str
    labels: frozenset[str]
    theirs: str | None  #: printed plan


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cases", type=Path)
    arguments.add_argument("--audit", type=Path)
    arguments.add_argument("--show", help="print the plans of the tests whose names contain this")
    options = arguments.parse_args()
    cases = list(read_cases(options.cases))
    if options.audit:
        cases.extend(_read_audit(options.audit))
    _Comparison(options.show).run(cases)


class _Comparison:
    def __init__(self, show: str | None) -> None:
        self._show = show
        self._supergraphs: dict[Path, Supergraph] = {}
        self._cold_ms: list[float] = []
        self._warm_ms: list[float] = []
        self._counts = dict.fromkeys(_COUNTS, 0)

    def run(self, cases: list[Case]) -> None:
        for case in cases:
            self._case(case)
        print(self._counts)
        for name, times in (("cold", self._cold_ms), ("warm", self._warm_ms)):
            times.sort()
            p95 = times[int(len(times) * 0.95)]
            print(f"{name} ms: p50 {statistics.median(times):.2f}  p95 {p95:.2f}  max {times[-1]:.2f}")

    def _case(self, case: Case) -> None:
        supergraph = self._supergraphs.get(case.supergraph)
        if supergraph is None:
            supergraph = load_supergraph(read_supergraph(case.supergraph))
            self._supergraphs[case.supergraph] = supergraph
        document = parse(case.operation)
        is_valid = not validate(supergraph.api_schema, document)
        operation = normalize_operation(document, supergraph.api_schema)
        try:
            plan = Planner(supergraph).plan(operation, case.labels)
        except PlanningError:
            if case.theirs is not None:
                raise
            self._counts["refused by both"] += 1
            return
        self._counts["planned"] += 1
        problems = check_plan(supergraph, operation, plan, case.labels) if is_valid else []
        self._counts["invalid for clients"] += not is_valid
        for problem in problems:
            print(f"UNSOUND {case.name}: {problem}")
        self._counts["sound"] += is_valid and not problems
        self._time(supergraph, operation, case.labels)
        is_shown = self._show is not None and self._show in case.name
        if case.theirs is not None:
            ours = fetch_count(plan), round_trips(plan)
            theirs = count_printed(case.theirs)
            self._counts["compared"] += 1
            self._counts["more fetches"] += ours[0] > theirs[0]
            self._counts["deeper"] += ours[1] > theirs[1]
            self._counts["fewer"] += ours[0] < theirs[0]
            self._counts["shallower"] += ours[1] < theirs[1]
            if ours[0] > theirs[0] or ours[1] > theirs[1]:
                print(f"WORSE {case.name}: fetches {ours[0]} against {theirs[0]}, depth {ours[1]} against {theirs[1]}")
        if is_shown:
            print(case.operation, print_plan(plan), case.theirs or "", sep="\n")

    def _time(self, supergraph: Supergraph, operation: Operation, labels: frozenset[str]) -> None:
        cold: list[float] = []
        warm: list[float] = []
        for _ in range(_ROUNDS):
            planner = Planner(supergraph)
            for times in (cold, warm):
                start = time.perf_counter()
                planner.plan(operation, labels)
                times.append((time.perf_counter() - start) * 1000)
        self._cold_ms.append(min(cold))
        self._warm_ms.append(min(warm))


def read_supergraph(path: Path) -> str:
    """SDL; a fixture misspells a scalar."""
    return path.read_text().replace(": boolean", ": Boolean")


def read_cases(folder: Path) -> Iterator[Case]:
    for test in json.loads((folder / "cases.json").read_text()):
        for number, case in enumerate(test["cases"]):
            path = folder / case["supergraph"]
            if not path.exists() or not case["operation"]:
                print(f"MISSING {test['file']}:{test['test']}#{number}: {path if case['operation'] else 'operation'}")
                continue
            printed = next((s["text"] for s in case["snapshots"] if s["text"].startswith("QueryPlan")), None)
            name = f"{test['file']}:{test['test']}#{number}"
            yield Case(name, path, case["operation"], _labels(case["call"]), printed)


def _labels(call: str) -> frozenset[str]:
    """The label sets of the few tests with progressive overrides, which only their calls show."""
    if "from_percentage(50" in call:
        return frozenset({"percent(75)"})
    if 'from_flag("feed_in_b"' in call:
        return frozenset({"feed_in_b"})
    return frozenset()


def _read_audit(folder: Path) -> Iterator[Case]:
    for suite in sorted(p for p in folder.iterdir() if p.is_dir()):
        for number, test in enumerate(json.loads((suite / "tests.json").read_text())):
            yield Case(f"audit/{suite.name}#{number}", suite / "supergraph.graphql", test["query"], frozenset(), None)


def count_printed(text: str) -> tuple[int, int]:
    """Fetches and round trips of a printed plan."""
    stack: list[tuple[str, list[int]]] = [("QueryPlan", [])]
    fetches = 0
    opaque = 0  #: braces open inside a fetch
    for line in text.splitlines()[1:]:
        head = line.strip()
        if opaque:
            opaque += head.count("{") - head.count("}")
            continue
        if head.startswith(("Fetch(", "BatchFetch(")):
            fetches += 1
            stack[-1][1].append(1)
            opaque = head.count("{") - head.count("}")
        elif head.endswith("{"):
            stack.append((head, []))
        elif head.startswith("}") and len(stack) > 1:
            name, below = stack.pop()
            stack[-1][1].append(sum(below) if name.startswith("Sequence") else max(below, default=0))
    return fetches, max(stack[0][1], default=0)


if __name__ == "__main__":
    main()

"""What a plan costs that is not cached, beside @apollo/query-planner on Node, in one run.

    python -m tests.load.plan_cost CASES_DIR NODE_MODULES [--rounds 15]

CASES_DIR is that of `plan_compare`; NODE_MODULES holds @apollo/query-planner. Every operation is planned by both, one
after the other, so that both see the same machine; all times are wall clock, the least of the rounds, after one
untimed round over all cases for the sake of Node's compiler.

    parse   text to the planner's input: parsed and normalised, not validated
    build   a new planner with its query graph. Apollo's takes the supergraph apart then; ours did when it was loaded
    cold    the first plan of that planner
    warm    the same operation again on the same planner, without a plan cache: what a running router pays for a new
            operation on types it has seen

The ratio is ours divided by theirs, case by case: below 1, ours is faster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from graphql import parse

from router.operation.normalize import normalize_operation
from router.planner import Planner, PlanningError
from router.supergraph import Supergraph, load_supergraph
from tests.load.plan_compare import Case, read_cases, read_supergraph

_PROGRAM = Path(__file__).with_name("apollo_plan_cost.cjs")


@dataclass(slots=True)
class Times:
    """Milliseconds, the least of all rounds."""

    parse: float = float("inf")
    build: float = float("inf")
    cold: float = float("inf")
    warm: float = float("inf")

    def keep(self, other: Times) -> None:
        for name in (field.name for field in fields(self)):
            setattr(self, name, min(getattr(self, name), getattr(other, name)))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("cases", type=Path)
    arguments.add_argument("node_modules", type=Path)
    arguments.add_argument("--rounds", type=int, default=15)
    options = arguments.parse_args()
    cases = list(read_cases(options.cases))
    command = ["node", str(_PROGRAM), str(options.node_modules)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        pairs = compare(cases, node, options.rounds)
    report(pairs)


def compare(cases: list[Case], node: subprocess.Popen[str], rounds: int) -> list[tuple[str, Times, Times]]:
    """Name, our times, theirs; of the cases that both plan. A round plans every operation once, for a router does not
    plan one operation many times over, which Node's compiler would learn from."""
    supergraphs = {path: load_supergraph(read_supergraph(path)) for path in {case.supergraph for case in cases}}
    pairs = [(case.name, Times(), Times()) for case in cases]
    refused: dict[str, str] = {}
    for number in range(rounds + 1):
        for case, (name, ours, theirs) in zip(cases, pairs, strict=True):
            supergraph = supergraphs[case.supergraph]
            answer = ask(node, case, supergraph.sdl)
            try:
                own = measure(supergraph, case)
            except PlanningError as exc:
                answer.setdefault("error", exc.message)
            else:
                if number and "error" not in answer:
                    ours.keep(own)
                    theirs.keep(Times(**{field.name: answer[field.name] for field in fields(Times)}))
            if "error" in answer:
                refused[name] = answer["error"]
    for name, why in refused.items():
        print(f"LEFT OUT {name}: {why}")
    return [pair for pair in pairs if pair[0] not in refused]


def ask(node: subprocess.Popen[str], case: Case, sdl: str) -> dict[str, Any]:
    if node.stdin is None or node.stdout is None:
        raise TypeError("the program must have pipes")
    job = {"supergraph": sdl, "operation": case.operation, "labels": sorted(case.labels)}
    node.stdin.write(json.dumps(job) + "\n")
    node.stdin.flush()
    answer: dict[str, Any] = json.loads(node.stdout.readline())
    return answer


def measure(supergraph: Supergraph, case: Case) -> Times:
    """Raises PlanningError."""
    ticks = [time.perf_counter()]
    operation = normalize_operation(parse(case.operation), supergraph.api_schema)
    ticks.append(time.perf_counter())
    planner = Planner(supergraph)
    ticks.append(time.perf_counter())
    planner.plan(operation, case.labels)
    ticks.append(time.perf_counter())
    planner.plan(operation, case.labels)
    ticks.append(time.perf_counter())
    return Times(*((end - start) * 1000 for start, end in pairwise(ticks)))


def report(pairs: list[tuple[str, Times, Times]]) -> None:
    print(f"{len(pairs)} operations planned by both")
    for name in (field.name for field in fields(Times)):
        ours = [getattr(pair[1], name) for pair in pairs]
        theirs = [getattr(pair[2], name) for pair in pairs]
        ratios = [own / their for own, their in zip(ours, theirs, strict=True)]
        print(f"{name:6} ours ms {spread(ours)}   theirs ms {spread(theirs)}   ratio {spread(ratios)}")
    worst = sorted(pairs, key=lambda pair: pair[2].cold / pair[1].cold)[:5]
    for name, own, their in worst:
        print(f"       cold {own.cold:.2f} against {their.cold:.2f} ms: {name}")


def spread(values: list[float]) -> str:
    ordered = sorted(values)
    return f"p50 {ordered[len(ordered) // 2]:.2f} p95 {ordered[int(len(ordered) * 0.95)]:.2f} max {ordered[-1]:.2f}"


if __name__ == "__main__":
    main()

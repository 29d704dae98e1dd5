"""Composes mutated schemas: whatever comes in, errors or a supergraph must come out, and soon.

    python -m tests.load.compose_fuzz CASES.json [--count 10000] [--seed 1] [--write MUTATED.json]

CASES.json is a list of cases with `subgraphs` [{name, url, sdl}]. Mutations delete, double, swap and replace tokens and
lines, and exchange names within a schema. `--write` keeps the mutated cases, to compare what others make of them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from router.compose import SubgraphDefinition, compose

_TOKEN = re.compile(r'"""[\s\S]*?"""|"[^"\n]*"|[A-Za-z_]\w*|@\w+|\.\.\.|[^\s\w]|\d+|\s+')
_NAME = re.compile(r"[A-Za-z_]\w*")
_NOISE = (
    "{",
    "}",
    "!",
    "[",
    "]",
    "@",
    "@key",
    "extend",
    "type",
    "interface",
    '"',
    "null",
    "__x",
    "\x00",
    "é",
    "&",
    "|",
)


def mutate(sdl: str, rng: random.Random, *, gentle: bool) -> str:
    tokens = _TOKEN.findall(sdl)
    for _ in range(rng.randint(1, 3)):
        if not tokens:
            return sdl
        at = rng.randrange(len(tokens))
        kind = rng.choice(
            ("rename", "line", "directive") if gentle else ("drop", "double", "swap", "noise", "rename", "line")
        )
        if kind == "drop":
            del tokens[at]
        elif kind == "double":
            tokens.insert(at, tokens[at])
        elif kind == "swap":
            other = rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == "noise":
            tokens.insert(at, rng.choice(_NOISE))
        elif kind == "rename":
            names = [i for i, token in enumerate(tokens) if _NAME.fullmatch(token)]
            if names:
                tokens[rng.choice(names)] = tokens[rng.choice(names)]
        elif kind == "directive":
            uses = [i for i, token in enumerate(tokens) if token.startswith("@")]
            if uses:
                tokens[rng.choice(uses)] = tokens[rng.choice(uses)]
        else:
            lines = "".join(tokens).split("\n")
            del lines[rng.randrange(len(lines))]
            tokens = _TOKEN.findall("\n".join(lines))
    return "".join(tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gentle", action="store_true", help="mutations that mostly stay parsable")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    cases: list[dict[str, Any]] = json.loads(options.cases.read_text())
    rng = random.Random(options.seed)  # noqa: S311 - reproducible on purpose
    outcomes: Counter[str] = Counter()
    written: list[dict[str, Any]] = []
    slowest = 0.0
    for number in range(options.count):
        subgraphs = [dict(subgraph) for subgraph in rng.choice(cases)["subgraphs"]]
        victim = rng.choice(subgraphs)
        victim["sdl"] = mutate(victim["sdl"], rng, gentle=options.gentle)
        definitions = [SubgraphDefinition(s["name"], s.get("url") or "", s["sdl"]) for s in subgraphs]
        start = time.perf_counter()
        try:
            outcomes["composed" if compose(definitions).ok else "refused"] += 1
        except Exception:
            outcomes["CRASHED"] += 1
            print(f"--- case {number}", traceback.format_exc(limit=-4), victim["sdl"], sep="\n")
        slowest = max(slowest, time.perf_counter() - start)
        if options.write:
            written.append({"id": f"mutated {number}", "subgraphs": subgraphs})
    if options.write:
        options.write.write_text(json.dumps(written))
    print(dict(outcomes), f"slowest {slowest:.2f} s")
    raise SystemExit(1 if outcomes["CRASHED"] or slowest > 10 else 0)


if __name__ == "__main__":
    main()

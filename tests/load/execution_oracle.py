"""Random operations through plan, executor and in-process subgraphs, against one schema over the same world.

    python -m tests.load.execution_oracle SUPERGRAPH... [--count 200] [--seed 0] [--only SEED]

For each supergraph so many operations; a difference is printed with the operation, its seed and both answers.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from random import Random

from router.planner import Planner
from router.supergraph import load_supergraph
from tests.kit.execution_oracle import Oracle


async def main(options: argparse.Namespace) -> int:
    different = total = refused = 0
    for path in options.supergraphs:
        supergraph = load_supergraph(path.read_text())
        oracle = Oracle(supergraph, Planner(supergraph))
        seeds = [options.only] if options.only is not None else range(options.seed, options.seed + options.count)
        shown = 0
        for seed in seeds:
            outcome = await oracle.compare(seed, Random(seed))  # noqa: S311  # repeatable
            if outcome.is_skipped:
                refused += 1
                continue
            total += 1
            if outcome.difference is not None:
                different += 1
                shown += 1
                if shown <= 2:
                    print(f"{path} seed {seed}\n{outcome.difference}\n")
    print(f"{total} compared, {different} different, {refused} operations not valid or not plannable")
    return 1 if different else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("supergraphs", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    raise SystemExit(asyncio.run(main(parser.parse_args())))

"""Made-up supergraphs and operations with subgraphs that lie, answered step by step and by typed plans.

    python -m tests.load.lying [--seed 0] [--cases 5000]

Prints what differs and stops there; a seed is one supergraph with its operations.
"""

from __future__ import annotations

import argparse
import asyncio

from tests.kit.both_ways import BothWays


async def run(seed: int, case_count: int) -> int:
    both = BothWays(seed, case_count)
    async for difference in both.differences():
        print(difference)
        break
    else:
        print(dict(both.counts))
        return 0
    return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=5000)
    options = parser.parse_args()
    raise SystemExit(asyncio.run(run(options.seed, options.cases)))

"""Random supergraphs and operations, answered by the router and by one monolithic schema: both must agree.

    python -m tests.load.oracle [--seed 0] [--cases 20000] [--failures 1] [--no-shrink] [--shrink-s 60]

Prints progress, and of a case that fails: the SDLs, the query, the plan and both answers, made as small as possible. A
seed is one supergraph with its operations; `--seed N --cases 1` runs it again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

from tests.kit.oracle.campaign import Campaign
from tests.kit.oracle.shrink import shrink
from tests.kit.oracle.world import Case, Difference, find_difference

_PROGRESS_S = 20


def show(case: Case, difference: Difference) -> None:
    for name, sdl in sorted(case.subgraphs.items()):
        print(f"# --- subgraph {name}\n{sdl}")
    print(f"# --- query, universe {case.seed}, trouble: {case.trouble}, labels {sorted(case.labels)}")
    print(f"{case.query}\n{json.dumps(dict(case.variables))}\n# --- {difference}")


async def run(options: argparse.Namespace) -> int:
    campaign = Campaign(options.seed, options.cases)
    started = shown = time.monotonic()
    failure_count = 0
    async for case, difference in campaign.run():
        if difference is not None:
            failure_count += 1
            print(f"\n##### seed {campaign.seed}: {difference.kind}", flush=True)
            if not options.no_shrink:
                case = await shrink(case, difference.kind, limit_s=options.shrink_s)
                difference = await find_difference(case) or difference
            show(case, difference)
            if failure_count >= options.failures:
                break
        if time.monotonic() - shown > _PROGRESS_S:
            shown = time.monotonic()
            print(f"seed {campaign.seed}: {dict(campaign.counts)}", flush=True)
    print(f"{dict(campaign.counts)} in {time.monotonic() - started:.0f} s")
    return 1 if failure_count else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--failures", type=int, default=1, help="stop after so many")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--shrink-s", type=float, default=60, help="seconds spent on making a case small")
    raise SystemExit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()

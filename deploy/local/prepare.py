"""What `punnet up` does before it starts the shop: demo data on request, and the schema artefacts.

Run as a program, by `python -m deploy.local.prepare [--seed]`, with addresses and secrets in the environment.
"""

from __future__ import annotations

import asyncio
import sys

from deploy.local.shop import artefacts, seed, write_stale

if __name__ == "__main__":
    if "--seed" in sys.argv[1:]:
        asyncio.run(seed())  # which migrates first; without it each subgraph migrates its own at its start
    for path in write_stale(artefacts()):
        print(f"written: {path}")
